// Colleagues while "@" and a name are typed in a note: arrows walk, Enter or Tab takes, Escape closes; or a tap.

const TYPED = /(?:^|[^\p{L}\p{N}_@.])@([\p{L}\p{N}][^@\n]{0,40})?$/u

customElements.define("mention-list", class extends HTMLElement {
  #connected

  connectedCallback() {
    const { signal } = (this.#connected = new AbortController())
    this.addEventListener("input", () => this.#look(), { signal })
    this.addEventListener("keydown", (event) => this.#press(event), { signal })
    this.addEventListener("focusout", () => this.#close(), { signal })
    // Pressed, not clicked: the field keeps its caret, and a phone its keyboard.
    this.#list.addEventListener("pointerdown", (event) => event.preventDefault(), { signal })
    this.#list.addEventListener("click", ({ target }) => this.#take(target.closest("[role=option]")), { signal })
  }

  disconnectedCallback() { this.#connected.abort() }

  get #field() { return this.querySelector("textarea") }
  get #list() { return this.querySelector(".mentions") }
  get #options() { return [...this.#list.children] }
  get #shown() { return this.#options.filter((option) => !option.hidden) }
  get #marked() { return this.#shown.find((option) => option.ariaSelected === "true") }
  get #before() { return this.#field.value.slice(0, this.#field.selectionStart) }

  #look() {
    const typed = this.#before.match(TYPED)
    if (!typed) return this.#close()
    const start = (typed[1] ?? "").toLowerCase()
    for (const option of this.#options) {
      const name = option.dataset.name.toLowerCase()
      option.hidden = !name.startsWith(start) && !name.split(/\s+/).some((word) => word.startsWith(start))
    }
    if (!this.#shown.length) return this.#close()
    this.#list.hidden = false
    this.#mark(this.#shown[0])
  }

  #press(event) {
    if (this.#list.hidden || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === "ArrowDown" || event.key === "ArrowUp") this.#walk(event.key === "ArrowDown" ? 1 : -1)
    else if (event.key === "Enter" || event.key === "Tab") this.#take(this.#marked)
    else if (event.key === "Escape") this.#close()
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  #walk(step) {
    const shown = this.#shown
    this.#mark(shown[(shown.indexOf(this.#marked) + step + shown.length) % shown.length])
  }

  #mark(option) {
    for (const other of this.#options) other.ariaSelected = String(other === option)
    this.#field.setAttribute("aria-activedescendant", option.id)
    option.scrollIntoView({ block: "nearest" })
  }

  #take(option) {
    if (!option) return
    const field = this.#field
    const length = this.#before.match(TYPED)?.[1]?.length ?? 0
    const end = field.selectionStart
    field.setRangeText(`${option.dataset.name} `, end - length, end, "end")
    field.dispatchEvent(new Event("input", { bubbles: true }))
    field.focus()
  }

  #close() {
    this.#list.hidden = true
    this.#field?.removeAttribute("aria-activedescendant")
  }
})
