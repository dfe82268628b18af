// Short words at the edge of the page. An undo-toast goes when it can no longer undo, a toast-note when it was read.

const READING = 7_000 // ms

customElements.define("toast-note", class extends HTMLElement {
  #going

  connectedCallback() {
    this.#stay()
    this.addEventListener("pointerenter", () => clearTimeout(this.#going))
    this.addEventListener("pointerleave", () => this.#stay())
    this.querySelector("[data-close]")?.addEventListener("click", () => this.remove())
  }

  disconnectedCallback() { clearTimeout(this.#going) }

  #stay() { this.#going = setTimeout(() => this.remove(), READING) }
})

customElements.define("undo-toast", class extends HTMLElement {
  #tick

  connectedCallback() {
    // Seconds, not an instant: the browser's clock may differ from the desk's.
    const ends = performance.now() + 1000 * this.getAttribute("seconds")
    const bar = this.querySelector("progress")
    this.addEventListener("htmx:finally:request", () => this.remove())
    this.#tick = setInterval(() => {
      const left = (ends - performance.now()) / 1000
      if (bar) bar.value = Math.max(left, 0)
      if (left <= 0) this.remove()
    }, 100)
  }

  disconnectedCallback() { clearInterval(this.#tick) }
})
