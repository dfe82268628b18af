// The list knows which ticket is open: at once when it is pressed, and again when the address changes.

customElements.define("ticket-rows", class extends HTMLElement {
  #connected

  connectedCallback() {
    const { signal } = (this.#connected = new AbortController())
    this.addEventListener("click", (event) => this.#pressed(event), { signal })
    document.addEventListener("htmx:after:history:push", () => this.#mark(location.pathname), { signal })
    this.addEventListener("htmx:finally:request", () => this.#rest(false), { signal })
    this.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" })
  }

  disconnectedCallback() { this.#connected.abort() }

  #pressed(event) {
    const row = event.target.closest("[data-row]")
    if (!row || event.ctrlKey || event.metaKey || event.shiftKey) return
    this.#mark(row.pathname)
    this.#rest(true)
  }

  // Until the chosen ticket is there, nobody writes into the one before it.
  #rest(resting) {
    for (const pane of document.querySelectorAll("#work > *")) pane.inert = resting
  }

  #mark(path) {
    for (const row of this.querySelectorAll("[data-row]")) {
      const open = row.pathname === path
      row.toggleAttribute("aria-current", open)
      if (open) row.classList.remove("unread")
    }
    this.closest(".shell").dataset.at = /^\/tickets\/\d+/.test(path) ? "ticket" : "list"
  }
})
