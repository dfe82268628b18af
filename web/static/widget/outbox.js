// What was written and has not arrived yet: sent one after the other, each until it is there, also after the page was
// closed in between. Each has an id of its own, so that what is sent twice is there once.
import { kept, Refused } from "./desk.js"

const LONGEST_WAIT = 20_000

export class Outbox {
  #desk
  #changed
  #refused
  #arrived
  #anew
  #busy = false
  #wait = 800
  #held = new Set() // ids of all that this tab has had to send
  all = []

  constructor(desk, { changed, refused, arrived, anew }) {
    this.#desk = desk
    this.#changed = changed
    this.#refused = refused
    this.#arrived = arrived
    this.#anew = anew
    this.all = waiting()
    this.all.forEach((each) => this.#held.add(each.id))
    window.addEventListener("online", () => this.send())
  }

  add(message) {
    const id = crypto.randomUUID?.() ?? randomId()
    this.#held.add(id)
    this.all.push({ id, at: new Date().toISOString(), ...message })
    this.#keep()
    this.send()
  }

  // The desk has it: it came back down the line.
  done(id) {
    const before = this.all.length
    this.all = this.all.filter((each) => each.id !== id)
    if (before !== this.all.length) this.#keep()
  }

  // Somebody else is here now.
  clear() {
    this.all = []
    this.#held.clear()
    this.#keep()
  }

  async send() {
    if (this.#busy) return
    this.#busy = true
    try {
      for (let next; (next = this.all.find((each) => !each.refused && !each.there)); ) {
        if (!(await this.#send(next))) break
      }
    } finally {
      this.#busy = false
    }
  }

  async #send(message) {
    const { id, text, files, name, email, fields, site } = message
    try {
      if (!this.#desk.token) await this.#desk.arrive()
      const answer = await this.#desk.ask("/messages", { method: "POST", body: { id, text, files, name, email, fields, site } })
      message.there = true
      this.#held.add(id) // though it was somebody else's meanwhile
      message.failed = false
      this.#wait = 800
      this.#keep()
      for (const why of answer.left_out ?? []) console.warn(`helpdesk.setFields: ${why}`)
      this.#arrived(answer)
      return true
    } catch (error) {
      return this.#failed(message, error)
    }
  }

  #failed(message, error) {
    const status = error instanceof Refused ? error.status : 0
    if (status === 401 && this.#desk.token) {
      this.#anew()
      return true
    }
    if (status >= 400 && status < 500 && ![408, 425, 429].includes(status)) {
      message.refused = error.message || String(status)
      this.#keep()
      this.#refused(message)
      return true
    }
    message.failed = true
    this.#changed()
    setTimeout(() => this.send(), this.#wait)
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT)
    return false
  }

  #keep() {
    // Files are too large to be kept; what is there already needs not to be. What a customer wrote whom the site has
    // vouched for must not be sent by whoever sits there next.
    const own = this.#desk.isVouched ? [] : this.all.filter((each) => !each.files?.length && !each.there && !each.refused)
    const others = waiting().filter((each) => !this.#held.has(each.id)) // another tab's, which may be closed by now
    const rest = [...others, ...own]
    kept.set("outbox", rest.length ? JSON.stringify(rest) : null)
    this.#changed()
  }
}

function waiting() {
  try {
    return JSON.parse(kept.get("outbox") ?? "[]").filter((each) => each.id && each.text)
  } catch {
    return []
  }
}

// crypto.randomUUID is there only over https; the desk may be tried without.
const randomId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("")
