// <filter-list> around a search field and things with data-entry: typing leaves those that have every word in them,
// or in their data-also. Enter opens the first. The one that is open scrolls into sight.

customElements.define("filter-list", class extends HTMLElement {
  #connected

  connectedCallback() {
    const { signal } = (this.#connected = new AbortController())
    this.#input.addEventListener("input", () => this.#filter(), { signal })
    this.#input.addEventListener("keydown", (event) => this.#press(event), { signal })
    this.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" })
    if (this.#input.value) this.#filter() // the browser remembers it
  }

  disconnectedCallback() { this.#connected.abort() }

  get #input() { return this.querySelector("input[type=search]") }
  get #entries() { return [...this.querySelectorAll("[data-entry]")] }

  #filter() {
    const words = this.#input.value.toLowerCase().split(/\s+/).filter(Boolean)
    for (const entry of this.#entries) {
      const text = `${entry.textContent} ${entry.dataset.also ?? ""}`.toLowerCase()
      entry.hidden = !words.every((word) => text.includes(word))
    }
    for (const section of this.querySelectorAll("section")) section.hidden = !section.querySelector("[data-entry]:not([hidden])")
    const none = this.querySelector(".nothing-found")
    if (none) none.hidden = this.#entries.some((entry) => !entry.hidden)
  }

  #press(event) {
    if (event.key === "Enter") {
      event.preventDefault()
      this.#entries.find((entry) => !entry.hidden)?.click()
    } else if (event.key === "Escape" && this.#input.value) {
      event.stopPropagation()
      this.#input.value = ""
      this.#filter()
    }
  }
})
