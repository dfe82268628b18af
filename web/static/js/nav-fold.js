// <nav-fold name="teams"> around a <details>: what somebody folded stays folded, on every page and after live changes.

const key = (name) => `fold-${name}`

customElements.define("nav-fold", class extends HTMLElement {
  #connected

  connectedCallback() {
    const { signal } = (this.#connected = new AbortController())
    const kept = localStorage.getItem(key(this.getAttribute("name")))
    const details = this.querySelector("details")
    if (kept && !this.querySelector("[aria-current]")) details.open = kept === "open"
    details.querySelector("summary").addEventListener("click", () => this.#keep(!details.open), { signal })
  }

  disconnectedCallback() { this.#connected.abort() }

  #keep(open) { localStorage.setItem(key(this.getAttribute("name")), open ? "open" : "folded") }
})
