// <draft-keeper name="42/reply"> around a textarea: half-written words outlive a reload, a crash and a change of mind.
// Kept in this browser only, until they are sent; what the server filled in comes after them.

const QUIET = 300 // ms without a keystroke

customElements.define("draft-keeper", class extends HTMLElement {
  #connected
  #waiting

  connectedCallback() {
    const field = this.querySelector("textarea")
    const { signal } = (this.#connected = new AbortController())
    this.#bringBack(field)
    field.addEventListener("input", () => this.#later(field), { signal })
    field.form.addEventListener("htmx:before:request", () => this.#keep(field), { signal })
    field.form.addEventListener("htmx:after:request", ({ detail: { ctx } }) => this.#sent(ctx, field), { signal })
    window.addEventListener("pagehide", () => this.#keep(field), { signal })
  }

  disconnectedCallback() {
    clearTimeout(this.#waiting)
    this.#connected.abort()
  }

  get #key() { return `draft/${this.getAttribute("name")}` }

  #bringBack(field) {
    const kept = localStorage.getItem(this.#key)
    if (!kept || field.value.includes(kept)) return
    field.value = [kept, field.value].filter(Boolean).join("\n\n")
    this.#say(this.dataset.restored)
  }

  #later(field) {
    clearTimeout(this.#waiting)
    this.#waiting = setTimeout(() => {
      this.#keep(field)
      this.#say(field.value ? this.dataset.kept : "")
    }, QUIET)
  }

  #keep(field) {
    if (field.value.trim()) localStorage.setItem(this.#key, field.value)
    else localStorage.removeItem(this.#key)
  }

  #sent(ctx, field) {
    const { status } = ctx.response
    if (ctx.request.method !== "POST" || status >= 400 || ctx.sourceElement?.matches("[data-looks]")) return
    clearTimeout(this.#waiting)
    localStorage.removeItem(this.#key)
    field.value = ""
    field.blur() // the next key is meant for the ticket: z takes it back, j goes on
    this.#say("")
  }

  #say(words) {
    const place = this.closest("form").querySelector(".kept")
    if (place) place.textContent = words
  }
})
