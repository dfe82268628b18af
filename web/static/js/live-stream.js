// Names of what changed come in; every part of the page that shows it asks the desk again and is morphed.
// <section data-live="ticket-42 tickets-*" data-src="/tickets/42">: no HTML comes over the stream, so access has one path.
// data-pace="2000": however much changes, it asks at most once in so many milliseconds, and once more at the end; less
// often where answers take long, so that the consoles of a busy desk do not keep it busy.
// `ticket-42@17` says that 17 things have happened to it by now: what shows these already does not ask, and what comes
// into the page with fewer of them, since it was read before that was said, asks again.
// A question that comes to nothing is asked again, less and less often, until it is answered.
import htmx from "./htmx-setup.js"
import { Line } from "./live-line.js"

const GATHER = 60 // ms: one commit often changes several things
const ABSENCE = 30_000 // ms in the background after which everything is asked for again
const PATIENCE = 3_000 // ms without a line before it is worth a word
const SHARE = 5 // a part that has a pace waits for answers in no more than a fifth of the time
const LONGEST = 5 // paces between two questions of a part, however slow the desk is
const FIRST_PAUSE = 1_000 // ms until a question that came to nothing is asked again, and then twice as long each time
const LONGEST_PAUSE = 30_000
const PASSING = [408, 425, 429] // what the desk refuses for the moment only, as everything from 500 on

customElements.define("live-stream", class extends HTMLElement {
  #connected
  #changed = new Map() // by name: how much has happened; Infinity where nobody says
  #last = new Map() // as #changed, of all that was ever said with a number
  #gathering
  #port
  #line
  #left = 0
  #worry
  #worried = false

  connectedCallback() {
    this.#connected = new AbortController()
    const { signal } = this.#connected
    const [src, since] = [new URL(this.getAttribute("src"), location).href, this.getAttribute("since")]
    this.#listen(src, since)
    document.addEventListener("visibilitychange", () => this.#visible(), { signal })
    document.addEventListener("htmx:after:swap", () => this.#overtaken(), { signal })
    window.addEventListener("pagehide", () => this.#port?.postMessage({ bye: true }), { signal })
    window.addEventListener("pageshow", ({ persisted }) => {
      if (!persisted) return
      this.#port?.postMessage({ src, since })
      this.#hear({ changed: ["resync"] })
    }, { signal })
  }

  disconnectedCallback() {
    this.#connected.abort()
    this.#port?.postMessage({ bye: true })
    this.#line?.close()
  }

  #listen(src, since) {
    if (!window.SharedWorker) {
      this.#line = new Line(src, since, (word) => this.#hear(word))
      return
    }
    const worker = new SharedWorker(new URL("./live-worker.js", import.meta.url), { type: "module", name: "live" })
    this.#port = worker.port
    this.#port.onmessage = ({ data }) => this.#hear(data)
    this.#port.postMessage({ src, since })
  }

  #hear({ up, changed, gone }) {
    if (gone) this.#ended()
    if (up !== undefined) this.#tell(up)
    if (!changed?.length) return
    const names = changed.map((word) => word.split("@"))
    for (const [name, happened = Infinity] of names) {
      this.#changed.set(name, Math.max(happened, this.#changed.get(name) ?? 0))
      if (happened < Infinity) this.#last.set(name, Number(happened))
    }
    this.dispatchEvent(new CustomEvent("live:changed", { bubbles: true, detail: names.map(([name]) => name) }))
    if (document.hidden) return
    this.#gathering ??= setTimeout(() => this.#ask(), GATHER) // not put off by what else comes: a busy desk never rests
  }

  #visible() {
    if (document.hidden) {
      this.#left = Date.now()
      return
    }
    if (Date.now() - this.#left > ABSENCE) this.#changed.set("resync", Infinity)
    this.#ask()
  }

  #ask() {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    const changed = [...this.#changed]
    const resync = this.#changed.has("resync")
    this.#changed.clear()
    if (!changed.length) return
    for (const element of document.querySelectorAll("[data-live]")) {
      const shown = resync ? [Infinity] : changed.filter(([name]) => shows(element, name)).map(([, happened]) => happened)
      const most = Math.max(-1, ...shown)
      if (most > known(element)) renew(element, { happened: most })
    }
  }

  // Once for each number: should the desk count otherwise than it tells, nobody asks for ever.
  #overtaken() {
    for (const element of document.querySelectorAll("[data-live]")) {
      for (const name of element.dataset.live.split(" ")) {
        const happened = this.#last.get(name)
        if (!(happened > known(element)) || known(element) < 0) continue
        this.#last.delete(name)
        renew(element, { happened })
      }
    }
  }

  #tell(up) {
    clearTimeout(this.#worry)
    const words = document.querySelector(".offline")
    if (!words) return
    if (up) {
      words.hidden = true
      document.querySelector(".ended").hidden = true
      if (this.#worried) say("back")
      this.#worried = false
      return
    }
    this.#worry = setTimeout(() => {
      this.#worried = true
      words.hidden = !document.querySelector(".ended").hidden
    }, PATIENCE)
  }

  // Signed out elsewhere, or too long away: nothing comes any more until somebody signs in again.
  #ended() {
    clearTimeout(this.#worry)
    const words = document.querySelector(".ended")
    if (!words) return
    document.querySelector(".offline").hidden = true
    words.querySelector("a").search = new URLSearchParams({ next: location.pathname + location.search })
    words.hidden = false
  }
})

function say(words) {
  document.getElementById("toasts")?.replaceChildren(document.getElementById(words).content.cloneNode(true))
}

function shows(element, name) {
  return element.dataset.live.split(" ").some((word) => (word.endsWith("*") ? name.startsWith(word.slice(0, -1)) : word === name))
}

const part = (element) => element.querySelector(":scope > [data-happened]")
const known = (element) => Number(part(element)?.dataset.happened ?? -1)

const turns = new WeakMap() // by element: until it may ask again
const wanted = new WeakMap() // by element that waits for its turn: how much has happened by now; Infinity: all of it

// `happened`: what has come since will do, if the part says of itself what it knows.
// The first asks at once; what follows waits until it was answered and a pause is over, and asks once for all of it.
export function renew(element, { happened = Infinity } = {}) {
  if (!element.dataset.pace) return ask(element, happened)
  const waits = wanted.has(element)
  wanted.set(element, Math.max(happened, wanted.get(element) ?? 0))
  if (!waits) turns.set(element, (turns.get(element) ?? Promise.resolve()).then(() => take(element)))
}

async function take(element) {
  const happened = wanted.get(element)
  wanted.delete(element)
  if (!element.isConnected || happened <= known(element)) return
  const [began, pace] = [Date.now(), Number(element.dataset.pace)]
  await Promise.race([ask(element, happened), pause(LONGEST * pace)])
  const took = Date.now() - began
  await pause(Math.min(LONGEST * pace, Math.max(pace, SHARE * took)) - took)
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)))

async function ask(element, happened) {
  const most = Math.max(happened, missed.get(element)?.happened ?? -1)
  const src = new URL(element.dataset.src ?? location.href, location)
  const since = part(element)?.dataset.since
  if (since && most < Infinity) src.searchParams.set("since", since)
  const over = (ctx) => answered(element, most, ctx)
  try {
    await htmx.ajax("GET", src.pathname + src.search, { source: element, target: element, swap: "outerMorph", over })
  } catch {} // its place on the page has gone
}

const missed = new WeakMap() // by element whose question came to nothing: how often in a row, of how much, until when

document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => ctx.over?.(ctx))

function answered(element, happened, ctx) {
  const { times = 0, again } = missed.get(element) ?? {}
  clearTimeout(again)
  missed.delete(element)
  if (!cameToNothing(ctx) || !element.isConnected) return
  const wait = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** times) * (0.75 + Math.random() / 2) // not all consoles at once
  missed.set(element, { times: times + 1, happened, again: setTimeout(() => renew(element, { happened }), wait) })
}

function cameToNothing({ status, text, response, request }) {
  if (response && text !== undefined) return response.status >= 500 || PASSING.includes(response.status)
  return status.startsWith("error") && (!request.signal.aborted || request.signal.reason === "timeout")
}
