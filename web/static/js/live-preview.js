// <live-preview data-of="name colour">: the frame inside shows what the form beside it says, before it is saved.

const PAUSE = 350 // ms after the last change

customElements.define("live-preview", class extends HTMLElement {
  #connected
  #waiting

  connectedCallback() {
    const { signal } = (this.#connected = new AbortController())
    this.addEventListener("input", ({ target }) => {
      if (!this.fields.includes(target.name)) return
      clearTimeout(this.#waiting)
      this.#waiting = setTimeout(() => this.#show(), PAUSE)
    }, { signal })
  }

  disconnectedCallback() {
    this.#connected.abort()
    clearTimeout(this.#waiting)
  }

  get fields() { return this.dataset.of.split(" ") }

  #show() {
    const frame = this.querySelector("iframe")
    const address = new URL(frame.dataset.src, location.href)
    for (const name of this.fields) address.searchParams.set(name, this.querySelector(`[name=${name}]`).value)
    frame.src = address
  }
})
