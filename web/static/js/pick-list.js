// A list that is filtered by typing: arrows walk, Enter takes. It is a popover with a form, so it works without this too.

customElements.define("pick-list", class extends HTMLElement {
  #connected
  #at // the option that is marked, also after what is around it was morphed

  connectedCallback() {
    const { signal } = (this.#connected = new AbortController())
    this.addEventListener("toggle", (event) => this.#toggled(event), { signal, capture: true })
    this.addEventListener("input", (event) => event.target.matches(".filter") && this.#filter(), { signal })
    this.addEventListener("keydown", (event) => this.#press(event), { signal })
    this.addEventListener("htmx:after:swap", () => this.#mark(this.#shown[0]), { signal })
    document.addEventListener("htmx:after:swap", () => this.#again(), { signal })
    this.addEventListener("submit", () => this.#popover?.hidePopover(), { signal })
    this.addEventListener("click", ({ target }) => target.closest(".options [hx-get]") && this.#popover.hidePopover(), { signal })
  }

  disconnectedCallback() { this.#connected.abort() }

  get #popover() { return this.querySelector("[popover]") }
  get #input() { return this.querySelector(".filter") }
  get #asks() { return this.#input?.hasAttribute("hx-get") }
  get #options() { return [...this.querySelectorAll(".options button")] }
  get #shown() { return this.#options.filter((option) => !option.hidden) }
  get #marked() { return this.querySelector(".options button.marked:not([hidden])") }

  #toggled({ target, newState }) {
    if (target !== this.#popover) return
    // What was looked for stays while somebody chooses, whatever is morphed around it.
    this.querySelector(".options")?.toggleAttribute("hx-morph-skip-children", this.#asks && newState === "open")
    if (newState !== "open") return
    if (this.#input) {
      this.#input.value = ""
      this.#input.focus()
    }
    if (this.#asks) this.#input.dispatchEvent(new Event("input", { bubbles: true }))
    else this.#filter()
  }

  #filter() {
    if (this.#asks) return
    const words = (this.#input?.value ?? "").toLowerCase().split(/\s+/).filter(Boolean)
    for (const option of this.#options) {
      const text = option.textContent.toLowerCase()
      option.hidden = !words.every((word) => text.includes(word))
    }
    this.#mark(words.length ? this.#shown[0] : this.querySelector(".options [aria-pressed=true]") ?? this.#shown[0])
  }

  // Where the page was renewed while somebody chooses, the desk's answer knows nothing of what they typed.
  #again() {
    if (this.#asks || this.#marked || !this.#popover?.matches(":popover-open")) return
    const at = this.#at
    this.#filter()
    if (this.#shown.includes(at)) this.#mark(at)
  }

  #press(event) {
    if (!this.#popover?.matches(":popover-open")) return
    if (event.key === "ArrowDown" || event.key === "ArrowUp") this.#walk(event.key === "ArrowDown" ? 1 : -1)
    else if (event.key === "Enter" && event.target === this.#input) this.#marked?.click()
    else return
    event.preventDefault()
  }

  #walk(step) {
    const shown = this.#shown
    const at = shown.indexOf(this.#marked)
    this.#mark(shown[(at + step + shown.length) % shown.length])
  }

  #mark(option) {
    this.#at = option
    for (const other of this.#options) other.classList.toggle("marked", other === option)
    option?.scrollIntoView({ block: "nearest" })
    if (this.#input && option) this.#input.setAttribute("aria-activedescendant", (option.id ||= `option-${crypto.randomUUID()}`))
  }
})
