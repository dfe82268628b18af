// <search-box> around a search field: offers fields and values while one types, and what was searched lately.
// The server says what can be offered; arrows choose, Enter or Tab takes, Escape closes.

const KEPT = "searches"
const MOST = 6

customElements.define("search-box", class extends HTMLElement {
  #connected
  #asked
  #chosen = -1

  connectedCallback() {
    const { signal } = (this.#connected = new AbortController())
    this.input.addEventListener("input", () => this.#ask(), { signal })
    this.input.addEventListener("focus", () => this.#ask(), { signal })
    this.input.addEventListener("keydown", (event) => this.#press(event), { signal })
    this.addEventListener("focusout", ({ relatedTarget }) => this.contains(relatedTarget) || this.#close(), { signal })
    this.offers.addEventListener("pointerdown", (event) => this.#point(event), { signal })
    this.closest("form").addEventListener("submit", () => this.#remember(), { signal })
  }

  disconnectedCallback() { this.#connected.abort() }

  get input() { return this.querySelector("input") }
  get offers() { return this.querySelector(".offers") }
  get options() { return [...this.offers.querySelectorAll("[role=option]")] }

  async #ask() {
    const typed = this.input.value.slice(0, this.input.selectionStart ?? undefined)
    this.#asked?.abort()
    this.#asked = new AbortController()
    if (!typed.trim()) return this.#offer(recent().map((text) => ({ text, hint: "", whole: true })))
    try {
      const answer = await fetch(`/search/suggestions?q=${encodeURIComponent(typed)}`, { signal: this.#asked.signal })
      if (answer.ok) this.#offer((await answer.json()).map((each) => ({ ...each, whole: false })))
    } catch (error) {
      if (error.name !== "AbortError") this.#close()
    }
  }

  // An answer that comes late leaves what is chosen chosen, so that Enter does not search half a word.
  #offer(found) {
    const chosen = this.options[this.#chosen]?.dataset.text
    this.#chosen = -1
    this.offers.replaceChildren(...found.map(({ text, hint, whole }, at) => {
      const option = document.createElement("div")
      Object.assign(option, { id: `${this.offers.id}-${at}` })
      option.setAttribute("role", "option")
      option.dataset.text = text
      option.dataset.whole = whole ? "yes" : ""
      const name = document.createElement("b")
      const words = document.createElement("span")
      name.textContent = text
      words.textContent = hint
      option.append(name, words)
      return option
    }))
    this.input.setAttribute("aria-expanded", String(found.length > 0))
    this.input.removeAttribute("aria-activedescendant")
    const again = found.findIndex(({ text }) => text === chosen)
    if (again >= 0) this.#choose(again)
  }

  #press(event) {
    const options = this.options
    if (event.key === "Escape" && options.length) { event.preventDefault(); event.stopPropagation(); return this.#close() }
    if (!options.length) return
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault()
      const step = event.key === "ArrowDown" ? 1 : -1
      this.#choose((this.#chosen + step + options.length) % options.length)
    } else if ((event.key === "Enter" || event.key === "Tab") && this.#chosen >= 0) {
      event.preventDefault()
      this.#take(options[this.#chosen])
    }
  }

  #choose(at) {
    this.#chosen = at
    for (const [n, option] of this.options.entries()) option.setAttribute("aria-selected", String(n === at))
    this.input.setAttribute("aria-activedescendant", this.options[at].id)
  }

  #point(event) {
    const option = event.target.closest("[role=option]")
    if (!option) return
    event.preventDefault()
    this.#take(option)
  }

  #take({ dataset }) {
    if (dataset.whole) {
      this.input.value = dataset.text
      return this.closest("form").requestSubmit()
    }
    const end = this.input.selectionStart ?? this.input.value.length
    const start = this.input.value.lastIndexOf(" ", end - 1) + 1
    const space = dataset.text.endsWith(":") ? "" : " "
    this.input.setRangeText(dataset.text + space, start, end, "end")
    this.#chosen = -1
    this.#ask()
  }

  #remember() {
    const text = this.input.value.trim()
    if (!text) return
    localStorage.setItem(KEPT, JSON.stringify([text, ...recent().filter((each) => each !== text)].slice(0, MOST)))
  }

  #close() {
    this.#asked?.abort()
    this.#offer([])
  }
})

function recent() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "[]").filter((each) => typeof each === "string")
  } catch {
    return []
  }
}
