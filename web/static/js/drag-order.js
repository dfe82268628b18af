// <drag-order> around an ordered list: what is dragged by its grip stands where it is let go, and the form in it says
// the new order. By keyboard, and without scripts, there are buttons for the same. A list within a list is its own.

customElements.define("drag-order", class extends HTMLElement {
  #connected
  #dragged
  #before

  connectedCallback() {
    const { signal } = (this.#connected = new AbortController())
    this.addEventListener("dragstart", (event) => this.#lift(event), { signal })
    this.addEventListener("dragover", (event) => this.#carry(event), { signal })
    this.addEventListener("drop", (event) => this.#dragged && event.preventDefault(), { signal })
    this.addEventListener("dragend", () => this.#drop(), { signal })
  }

  disconnectedCallback() { this.#connected.abort() }

  get #places() { return [...this.querySelectorAll("[data-place]")].filter((item) => item.closest("drag-order") === this) }
  get #order() { return this.#places.map((item) => item.dataset.place).join() }

  #lift(event) {
    if (event.target.closest?.(".grip")?.closest("drag-order") !== this) return
    this.#dragged = event.target.closest("[data-place]")
    this.#before = this.#order
    this.#dragged.dataset.dragged = ""
    event.dataTransfer.effectAllowed = "move"
    event.dataTransfer.setData("text/plain", this.#dragged.querySelector("a")?.textContent ?? "")
    event.dataTransfer.setDragImage(this.#dragged, 12, 12)
  }

  #carry(event) {
    if (!this.#dragged) return
    event.preventDefault()
    const over = this.#places.find((item) => item.contains(event.target))
    if (!over || over === this.#dragged) return
    const { top, height } = over.getBoundingClientRect()
    if (event.clientY < top + height / 2) over.before(this.#dragged)
    else over.after(this.#dragged)
  }

  #drop() {
    if (!this.#dragged) return
    delete this.#dragged.dataset.dragged
    this.#dragged = undefined
    if (this.#order === this.#before) return
    const form = this.querySelector("form")
    for (const old of form.querySelectorAll("[name=rule]")) old.remove()
    for (const { dataset } of this.#places) form.append(this.#input(dataset.place))
    form.requestSubmit()
  }

  #input(value) {
    const input = document.createElement("input")
    return Object.assign(input, { type: "hidden", name: "rule", value })
  }
})
