// <time datetime="…"><relative-time data-now="now">4 min</relative-time></time>: the server's words, kept true.
import { span } from "./units.js"

customElements.define("relative-time", class extends HTMLElement {
  #tick

  connectedCallback() { this.#tick = setInterval(() => this.#show(), 20_000) }

  disconnectedCallback() { clearInterval(this.#tick) }

  #show() {
    const seconds = (Date.now() - Date.parse(this.parentElement.dateTime)) / 1000
    this.textContent = seconds < 60 ? this.dataset.now : span(seconds)
  }
})
