// <keep-changes> around forms: one that was changed and not sent says so beside its button, and the browser asks
// before the page is left. What a form has been taken for stands in the address (?done=…) no longer than it is shown.

const said = (form) => new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, value instanceof File ? value.name : value])).toString()

customElements.define("keep-changes", class extends HTMLElement {
  #connected
  #begun = new WeakMap()

  connectedCallback() {
    const { signal } = (this.#connected = new AbortController())
    for (const form of this.#forms) this.#begun.set(form, said(form))
    for (const kind of ["input", "change"]) this.addEventListener(kind, ({ target }) => this.#look(target.form), { signal })
    this.addEventListener("submit", ({ target }) => delete target.dataset.changed, { signal })
    this.addEventListener("htmx:after:request", ({ target, detail: { ctx } }) => this.#answered(target, ctx), { signal })
    window.addEventListener("beforeunload", (event) => this.querySelector("form[data-changed]") && event.preventDefault(), { signal })
    this.#forget()
  }

  disconnectedCallback() { this.#connected.abort() }

  get #forms() { return [...this.querySelectorAll("form.stack[method=post]")] }

  #look(form) {
    if (!form?.matches("form.stack[method=post]")) return
    if (!this.#begun.has(form)) return // it came later, and is new as it stands
    form.toggleAttribute("data-changed", said(form) !== this.#begun.get(form))
  }

  #answered(target, ctx) {
    if (ctx?.response?.status >= 400) this.#look(target.closest("form"))
  }

  #forget() {
    const address = new URL(location)
    if (!address.searchParams.has("done")) return
    address.searchParams.delete("done")
    history.replaceState(history.state, "", address)
  }
})
