// The line down: an event stream read by hand, since an EventSource cannot bring a token along without showing it in
// an address. It goes on where it stopped, and while nobody looks at the tab it only asks now and then.
import { given } from "./page.js"

const SILENCE = 40_000 // ms; the desk says something every 15 s
const LONGEST_WAIT = 15_000
const HIDDEN = 20_000 // ms between two looks in a tab that nobody sees: a browser has few connections to one desk

export class Line {
  reached = 0
  #desk
  #hear
  #stop
  #wait = 500
  #timer
  #hidden

  // hear(kind, data): what came; `up` and `down` as the line does, `look` when the frame should ask by itself.
  constructor(desk, hear) {
    this.#desk = desk
    this.#hear = hear
    document.addEventListener("visibilitychange", () => this.#turn())
    window.addEventListener("online", () => this.#again(0))
    window.addEventListener("offline", () => this.#stop?.abort()) // rather than to wait for it to fall silent
  }

  start() {
    this.stop()
    this.#turn()
  }

  stop() {
    clearTimeout(this.#timer)
    clearInterval(this.#hidden)
    this.#stop?.abort()
    this.#stop = undefined
  }

  #turn() {
    if (!this.#desk.token) return
    clearInterval(this.#hidden)
    if (document.hidden) {
      this.#stop?.abort()
      this.#stop = undefined
      this.#hidden = setInterval(() => this.#hear("look"), HIDDEN)
    } else if (!this.#stop) {
      this.#open()
    }
  }

  #again(wait) {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => !document.hidden && !this.#stop && this.#desk.token && this.#open(), wait)
  }

  async #open() {
    const stop = (this.#stop = new AbortController())
    let silence
    try {
      const headers = { ...this.#desk.headers, accept: "text/event-stream", "last-event-id": String(this.reached) }
      const answer = await fetch(`${given.base}/live`, { headers, signal: stop.signal, credentials: "omit", cache: "no-store" })
      if (answer.status === 401) return this.#hear("gone")
      if (!answer.ok) throw new Error(String(answer.status))
      this.#wait = 500
      this.#hear("up")
      const listen = () => { clearTimeout(silence); silence = setTimeout(() => stop.abort(), SILENCE) }
      listen()
      let rest = ""
      for await (const part of texts(answer.body)) {
        listen()
        const events = (rest + part).split("\n\n")
        rest = events.pop()
        events.forEach((event) => this.#read(event))
      }
    } catch {
      // Whatever ended it: below it is opened again.
    } finally {
      clearTimeout(silence)
    }
    if (this.#stop !== stop) return // ended on purpose
    this.#stop = undefined
    this.#hear("down")
    this.#again(this.#wait * (0.5 + Math.random() * 1.5)) // not all browsers at once
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT)
  }

  #read(event) {
    const fields = Object.fromEntries(event.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]))
    if (fields.event === "beat" || !fields.data) return
    this.#hear(fields.event, JSON.parse(fields.data))
    if (fields.id) this.reached = Number(fields.id)
  }
}

async function* texts(body) {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    yield decoder.decode(value, { stream: true })
  }
}
