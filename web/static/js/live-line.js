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
  #wait = 500

  constructor(src, say) {
    this.#src = src
    this.#say = say
    this.#open()
  }

  close() {
    clearTimeout(this.#watch)
    this.#source.close()
  }

  #open() {
    this.#source = new EventSource(this.#src)
    this.#source.onopen = () => this.#opened()
    this.#source.onerror = () => this.#lost()
    for (const kind of ["change", "beat"]) {
      this.#source.addEventListener(kind, ({ data }) => {
        this.#listen()
        if (kind === "change") this.#say({ changed: data.split(" ") })
      })
    }
    this.#listen()
  }

  #opened() {
    this.up = true
    this.#wait = 500
    this.#say({ up: true })
    if (this.#broken) this.#say({ changed: ["resync"] })
    this.#broken = false
  }

  #lost() {
    this.up = false
    this.#broken = true
    this.#say({ up: false })
    this.close()
    setTimeout(() => this.#open(), this.#wait * (0.75 + Math.random() / 2)) // not all browsers at once
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT)
  }

  #listen() {
    clearTimeout(this.#watch)
    this.#watch = setTimeout(() => this.#lost(), SILENCE)
  }
}
