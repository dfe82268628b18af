// The line to the desk: an EventSource that also notices silence, and says `resync` when something may have been missed.

const SILENCE = 50_000 // ms; the desk says something at least every 20 s
const LONGEST_WAIT = 15_000

export class Line {
  up = false
  #src
  #say
  #source
  #watch
  #broken = false
  #again = false
  #wait = 500

  // `since`: the moment at which the page was read; the line begins with what was said since then.
  constructor(src, since, say) {
    this.#src = src
    this.#say = say
    this.#open(`${src}?${new URLSearchParams({ since })}`)
  }

  close() {
    clearTimeout(this.#watch)
    this.#source.close()
  }

  #open(src = this.#src) {
    this.#source = new EventSource(src)
    this.#source.onopen = () => this.#opened()
    this.#source.onerror = () => this.#lost()
    for (const kind of ["change", "beat"]) {
      this.#source.addEventListener(kind, ({ data, lastEventId: moment }) => {
        this.#listen()
        if (kind === "change") this.#say({ changed: data.split(" "), moment })
        else if (data === "hello" && this.#again) this.#say({ begun: moment })
      })
    }
    this.#listen()
  }

  #opened() {
    this.up = true
    this.#wait = 500
    this.#say({ up: true })
    this.#again = this.#broken
    if (this.#again) this.#say({ changed: ["resync"] })
    this.#broken = false
  }

  #lost() {
    const refused = this.#source.readyState === EventSource.CLOSED
    this.up = false
    this.#broken = true
    this.#say({ up: false })
    this.close()
    if (refused) this.#ask()
    setTimeout(() => this.#open(), this.#wait * (0.75 + Math.random() / 2)) // not all browsers at once
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT)
  }

  // An EventSource does not tell why it was refused.
  async #ask() {
    const stop = new AbortController()
    try {
      if ((await fetch(this.#src, { signal: stop.signal })).status === 401) this.#say({ gone: true })
    } catch {
      // Not reachable at all: the next attempt says more.
    } finally {
      stop.abort()
    }
  }

  #listen() {
    clearTimeout(this.#watch)
    this.#watch = setTimeout(() => this.#lost(), SILENCE)
  }
}
