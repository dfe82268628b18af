// What was said, newest below. Everything is put in as text; only what agents marked comes as HTML, cleaned by the desk,
// and is read by a parser that runs nothing.
import { clock, day, el, given, icon, words } from "./page.js"

const ADDRESS = /\bhttps?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/g
const NEAR = 80 // px from the end within which somebody still reads what is newest

export class Thread {
  element = el("ol", { class: "thread", "aria-label": words.messages })
  #desk
  #said = new Map()
  #nodes = new Map()
  #typing = el("li", { class: "typing", hidden: true }, el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i")), el("span", { class: "small" }))
  #quiet

  constructor(desk) {
    this.#desk = desk
    this.element.append(this.#typing)
  }

  get newest() { return Math.max(0, ...this.#said.keys()) }
  get last() { return this.#said.get(this.newest) }
  unread(read) { return [...this.#said.values()].filter((each) => each.from !== "me" && each.id > read).length }

  clear() {
    this.#said.clear()
    this.#nodes.clear()
    this.element.replaceChildren(this.#typing)
  }

  // Returns whether it is new here.
  add(message) {
    const isNew = !this.#said.has(message.id)
    this.#said.set(message.id, message)
    if (message.from !== "me") this.still()
    return isNew
  }

  // `waiting`: what has not arrived yet. Nodes are kept, so that what is selected or read out stays.
  show(waiting, read = 0) {
    const atEnd = this.isAtEnd
    const wanted = []
    let before
    for (const message of [...this.#said.values()].sort((a, b) => a.id - b.id)) {
      if (!before || day(before.at) !== day(message.at)) wanted.push(this.#kept(`day ${day(message.at)}`, () => el("li", { class: "day" }, day(message.at))))
      const first = before?.from !== message.from || before?.name !== message.name
      wanted.push(this.#kept(message.client_id ?? `m${message.id}`, () => this.#message(message, first), message))
      before = message
    }
    for (const each of waiting) wanted.push(this.#kept(each.id, () => this.#message({ ...each, from: "me" }, before?.from !== "me"), null, state(each)))
    wanted.push(this.#typing)
    const known = new Set(wanted)
    for (const node of [...this.element.children]) if (!known.has(node)) node.remove()
    wanted.forEach((node, at) => this.element.children[at] !== node && this.element.insertBefore(node, this.element.children[at] ?? null))
    for (const [name, node] of this.#nodes) if (!known.has(node)) this.#nodes.delete(name)
    if (atEnd) this.toEnd()
    return read
  }

  typing(name) {
    this.#typing.lastChild.textContent = words.typing.replace("{name}", name)
    this.#typing.hidden = false
    if (this.isAtEnd) this.toEnd()
    clearTimeout(this.#quiet)
    this.#quiet = setTimeout(() => this.still(), 6000)
  }

  still() { this.#typing.hidden = true }

  get isAtEnd() {
    const pane = this.element.parentElement
    return !pane || pane.scrollHeight - pane.scrollTop - pane.clientHeight < NEAR
  }

  toEnd() {
    const pane = this.element.parentElement
    if (pane) requestAnimationFrame(() => { pane.scrollTop = pane.scrollHeight })
  }

  #kept(name, make, message = null, words = "") {
    let node = this.#nodes.get(name)
    if (!node || (message?.files && !node.dataset.files)) {
      node = make()
      this.#nodes.set(name, node)
    }
    const state = node.querySelector(".state")
    if (state && state.textContent !== words) state.textContent = words
    return node
  }

  #message(message, first) {
    const own = message.from === "me"
    const who = own ? words.you : message.from === "agent" ? message.name : message.from === "assistant" ? words.assistant : words.desk
    const node = el("li", { class: `said ${own ? "own" : message.from}` },
      first && !own ? el("span", { class: "who" }, who) : el("span", { class: "unseen" }, who),
      message.html ? el("div", { class: "text marked" }, ...new DOMParser().parseFromString(message.html, "text/html").body.childNodes)
        : message.text ? el("p", { class: "text", dir: "auto" }, ...linked(message.text)) : null,
      ...(message.files ?? []).map((file) => this.#file(file)),
      el("span", { class: "when" }, el("time", { datetime: message.at }, clock(message.at)), el("span", { class: "state" })))
    if (message.files) node.dataset.files = ""
    return node
  }

  // Fetched with the token and opened from memory: its address is worth nothing to anybody else.
  #file(file) {
    if (!file.id) return el("span", { class: "file" }, icon("file"), el("span", { dir: "auto" }, file.name))
    return el("button", { type: "button", class: "file", onclick: async () => {
      const content = await this.#desk.ask(`/files/${file.id}`)
      const address = URL.createObjectURL(content)
      el("a", { href: address, download: file.name }).click()
      setTimeout(() => URL.revokeObjectURL(address), 60_000)
    } }, icon("file"), el("span", { dir: "auto" }, file.name), el("span", { class: "small" }, size(file.size)))
  }
}

const state = (each) => (each.refused ? `${words.refused}: ${each.refused}` : each.failed ? words.failed : each.there ? words.sent : words.sending)

function linked(text) {
  const parts = []
  let at = 0
  for (const found of text.matchAll(ADDRESS)) {
    parts.push(text.slice(at, found.index), el("a", { href: found[0], target: "_blank", rel: "noopener noreferrer nofollow" }, found[0]))
    at = found.index + found[0].length
  }
  return [...parts, text.slice(at)]
}

function size(bytes) {
  const [value, unit] = bytes < 1e6 ? [Math.max(1, Math.round(bytes / 1e3)), "kilobyte"] : [Math.round(bytes / 1e5) / 10, "megabyte"]
  return new Intl.NumberFormat(given.language, { style: "unit", unit }).format(value)
}
