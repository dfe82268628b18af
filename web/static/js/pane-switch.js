// <pane-switch to="details"> around a button: where panes do not fit side by side, one lies over the other.

customElements.define("pane-switch", class extends HTMLElement {
  #connected

  connectedCallback() {
    const { signal } = (this.#connected = new AbortController())
    this.addEventListener("click", () => this.#toggle(), { signal })
    document.addEventListener("keydown", ({ key }) => key === "Escape" && this.#close(), { signal })
  }

  disconnectedCallback() { this.#connected.abort() }

  get #shell() { return document.querySelector(".shell") }

  #toggle() {
    const pane = this.getAttribute("to")
    if (this.#shell.dataset.pane === pane) return this.#close()
    this.#shell.dataset.pane = pane
    document.querySelector(`.${pane}`)?.focus()
  }

  #close() { delete this.#shell.dataset.pane }
})
