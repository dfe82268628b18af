// Tickets that are ticked, and the bar that changes them together. A face is the box; x ticks the row that is marked,
// Shift ticks all between. What is ticked stays so while the list renews itself.

const TYPING = "input, textarea, select, [contenteditable]"
const rows = () => [...document.querySelectorAll('[id^="row-"]')]
const idOf = (row) => row.id.slice(4)

document.addEventListener("click", ({ target }) => target.closest?.("#toasts [data-close]")?.closest(".toast")?.remove())

customElements.define("ticket-selection", class extends HTMLElement {
  #connected
  #ids = new Set()
  #last
  #all = false

  connectedCallback() {
    const { signal } = (this.#connected = new AbortController())
    // Before anything else: a press on the box opens nothing.
    document.addEventListener("click", (event) => this.#ticked(event), { signal, capture: true })
    document.addEventListener("keydown", (event) => this.#pressed(event), { signal })
    document.addEventListener("htmx:after:swap", () => this.#renewed(), { signal })
    this.addEventListener("click", (event) => this.#chosen(event), { signal })
  }

  disconnectedCallback() { this.#connected.abort() }

  #ticked(event) {
    const box = event.target.closest?.("[data-tick]")
    if (!box) return
    event.preventDefault()
    event.stopImmediatePropagation()
    this.#tick(box.closest('[id^="row-"]'), event.shiftKey)
  }

  #pressed(event) {
    if (event.key !== "x" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest(TYPING)) return
    const row = document.activeElement.closest('[id^="row-"]') ?? document.querySelector("[data-row][aria-current]")?.closest('[id^="row-"]')
    if (row) this.#tick(row, event.shiftKey)
  }

  #tick(row, between) {
    const id = idOf(row)
    const on = !this.#ids.has(id)
    const chosen = between && this.#last ? this.#between(row) : [row]
    for (const one of chosen) on ? this.#ids.add(idOf(one)) : this.#ids.delete(idOf(one))
    this.#last = id
    this.#all = false
    this.#show()
  }

  #between(row) {
    const all = rows()
    const [from, to] = [all.findIndex((one) => idOf(one) === this.#last), all.indexOf(row)].sort((a, b) => a - b)
    return from < 0 ? [row] : all.slice(from, to + 1)
  }

  #chosen({ target }) {
    const which = target.closest("[data-select]")?.dataset.select
    if (which === "none") return this.#clear()
    if (which === "all") {
      this.#all = true
      for (const row of rows()) this.#ids.add(idOf(row))
      return this.#show()
    }
    const press = target.closest("[data-verb]")
    if (press) this.#fill(press)
  }

  // The press submits the form; what it means stands in hidden fields.
  #fill({ dataset: { verb, value = "", from } }) {
    const fields = this.querySelector("form").elements
    fields.verb.value = verb
    fields.value.value = from ? this.querySelector(`[data-text="${from}"]`).value : value
    fields.ids.value = [...this.#ids].join(" ")
    fields.scope.value = this.#all ? "view" : "selection"
    for (const menu of this.querySelectorAll("[popover]:popover-open")) menu.hidePopover()
  }

  #renewed() {
    if (document.querySelector("#toasts [data-bulk]") && this.#ids.size) return this.#clear()
    this.#show()
  }

  #clear() {
    this.#ids.clear()
    this.#all = false
    this.#show()
  }

  #show() {
    for (const row of rows()) row.toggleAttribute("data-ticked", this.#ids.has(idOf(row)))
    const count = this.#ids.size
    if (count && this.hidden) this.querySelector(".verbs[hx-get]")?.dispatchEvent(new Event("choose"))
    this.hidden = !count
    const words = this.#all ? this.dataset.all : count === 1 ? this.dataset.one : this.dataset.many.replace("{}", count)
    this.querySelector("output").textContent = words
  }
})
