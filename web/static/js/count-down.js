// <count-down due="2026-…" soon="1800" data-late="{} late">22 min</count-down>: what is left until a promise is due.
// The state (soon, late) goes on the nearest [data-state], where the stylesheet finds it.
import { left } from "./units.js"

customElements.define("count-down", class extends HTMLElement {
  #tick

  connectedCallback() {
    this.#tick = setInterval(() => this.#show(), 5_000)
    this.#show()
  }

  disconnectedCallback() { clearInterval(this.#tick) }

  #show() {
    const seconds = (Date.parse(this.getAttribute("due")) - Date.now()) / 1000
    const words = left(Math.abs(seconds))
    this.textContent = seconds < 0 ? this.dataset.late.replace("{}", words) : words
    const holder = this.closest("[data-state]")
    if (holder) holder.dataset.state = seconds < 0 ? "late" : seconds < this.getAttribute("soon") ? "soon" : "fine"
  }
})
