// <type-signal src="/tickets/42/typing" for="reply-7">: whoever chats is told that somebody is typing to them.
const OFTEN = 3_000 // ms

customElements.define("type-signal", class extends HTMLElement {
  #connected
  #told = 0

  connectedCallback() {
    this.#connected = new AbortController()
    document.addEventListener("input", ({ target }) => this.#type(target), { signal: this.#connected.signal })
  }

  disconnectedCallback() { this.#connected.abort() }

  #type(target) {
    if (target.id !== this.getAttribute("for") || !target.value || Date.now() - this.#told < OFTEN) return
    this.#told = Date.now()
    const token = document.querySelector("meta[name=csrf]").content
    fetch(this.getAttribute("src"), { method: "POST", headers: { "x-csrf-token": token } }).catch(() => {})
  }
})
