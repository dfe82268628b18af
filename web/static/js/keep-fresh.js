// <keep-fresh>…<div data-every="15000" data-src="/board">…: what time alone changes is asked for again by itself,
// unless nobody looks. What changes because something happened comes over the live stream.
import { renew } from "./live-stream.js"

const LOOK = 1_000 // ms

customElements.define("keep-fresh", class extends HTMLElement {
  #tick
  #since = new WeakMap()

  connectedCallback() {
    this.#tick = setInterval(() => this.#look(), LOOK)
  }

  disconnectedCallback() { clearInterval(this.#tick) }

  #look() {
    if (document.hidden) return
    for (const element of this.querySelectorAll("[data-every]")) {
      const since = this.#since.get(element) ?? Date.now()
      const due = Date.now() - since >= Number(element.dataset.every)
      this.#since.set(element, due ? Date.now() : since)
      if (due) renew(element)
    }
  }
})
