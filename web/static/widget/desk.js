// The way to the desk: who this browser is, kept in the frame's own storage, and requests that say so.
import { given } from "./page.js"

const PLACE = `helpdesk ${given.base}`
const memory = new Map() // where the browser lets frames keep nothing

function stored(storage, name) {
  try {
    return storage.getItem(name)
  } catch {
    return memory.get(name) ?? null
  }
}

function store(storage, name, value) {
  memory.set(name, value)
  try {
    value === null ? storage.removeItem(name) : storage.setItem(name, value)
  } catch {
    // Then it lasts as long as the page does.
  }
}

const local = () => globalThis.localStorage
const tab = () => globalThis.sessionStorage
const safely = (which) => { try { return which() } catch { return { getItem: (n) => memory.get(n) ?? null, setItem() {}, removeItem() {} } } }

export const kept = {
  get: (name) => stored(safely(local), `${PLACE} ${name}`),
  set: (name, value) => store(safely(local), `${PLACE} ${name}`, value),
  // Another tab of this browser has changed it.
  changed: (name, call) => window.addEventListener("storage", ({ key }) => (key === null || key === `${PLACE} ${name}`) && call()),
}

export class Refused extends Error {
  constructor(status, words) {
    super(words)
    this.status = status
  }
}

export class Desk {
  // A customer whom the site vouches for is one in this tab: whoever sits there next must be vouched for, too.
  #vouched = JSON.parse(stored(safely(tab), PLACE) ?? "null")

  page // where on the site this is, as the site's own page says

  get token() { return this.#vouched?.token ?? kept.get("token") }
  get isVouched() { return Boolean(this.#vouched) }

  async arrive(jwt = "") {
    const come = await this.#ask("POST", "/visitors", { jwt, language: given.language, page: this.page ?? null, puzzle: jwt || !given.puzzle ? null : await this.#solved() })
    if (come.vouched) this.#vouch({ token: come.token, who: whoIn(jwt) })
    else kept.set("token", come.token)
    return come
  }

  async #solved() {
    const { puzzle } = await this.#ask("GET", "/puzzle")
    return puzzle ? (await (await import("./puzzle.js")).solve(puzzle)) ?? null : null
  }

  // Returns whether somebody else is here now.
  async identify(jwt) {
    const who = whoIn(jwt)
    if (this.#vouched && this.#vouched.who === who) return false
    await this.arrive(jwt)
    return true
  }

  // Whoever has proved an address has another token from then on.
  async prove(code) { kept.set("token", (await this.ask("/visitors/me/proof", { method: "POST", body: { code } })).token) }

  // Also whoever was here unknown before they were vouched for: afterwards this browser holds nothing.
  async leave() {
    kept.set("outbox", null)
    for (let left = 2; left && this.token; left--) {
      await this.ask("/visitors/me", { method: "DELETE" }).catch(() => {})
      this.forget()
    }
  }

  forget() {
    if (this.#vouched) this.#vouch(null)
    else kept.set("token", null)
  }

  #vouch(value) {
    this.#vouched = value
    store(safely(tab), PLACE, value && JSON.stringify(value))
  }

  // Raises Refused with the desk's own words, or a TypeError where it could not be reached.
  ask(path, { method = "GET", body } = {}) { return this.#ask(method, path, body, this.token) }

  get headers() { return { authorization: `Bearer ${this.token}` } }

  async #ask(method, path, body, token) {
    const headers = { accept: "application/json" }
    if (token) headers.authorization = `Bearer ${token}`
    if (body !== undefined) headers["content-type"] = "application/json"
    const answer = await fetch(given.base + path, { method, headers, body: body === undefined ? undefined : packed(body), credentials: "omit", cache: "no-store" })
    if (answer.ok) return (answer.headers.get("content-type") ?? "").includes("json") ? answer.json() : answer.blob()
    const words = await answer.json().catch(() => ({}))
    throw new Refused(answer.status, words.title ?? "")
  }
}

// Half a letter, as is left where a title or a file's name is cut, is no text that the desk could read.
const packed = (body) => JSON.stringify(body, (_, value) => (typeof value === "string" ? value.toWellFormed?.() ?? value : value))

function whoIn(jwt) {
  try {
    const { sub, email } = JSON.parse(atob(jwt.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")))
    return `${sub} ${email ?? ""}`
  } catch {
    return ""
  }
}
