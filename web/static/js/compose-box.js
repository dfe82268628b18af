// Reply or note: choosing one puts the caret where its words go. Chosen files are named before they are sent; "/" in
// an empty reply opens the macros. What was brought here for one reply goes with it.

customElements.define("compose-box", class extends HTMLElement {
  connectedCallback() {
    for (const mode of this.querySelectorAll("[name=mode]")) {
      mode.addEventListener("click", () => this.#field(mode.value)?.focus())
    }
    this.addEventListener("htmx:before:request", () => this.querySelector("[popover]:popover-open")?.hidePopover())
    this.addEventListener("change", ({ target }) => target.type === "file" && this.#name(target))
    this.addEventListener("keydown", (event) => this.#press(event))
    this.addEventListener("click", ({ target }) => target.closest("[data-clear]")?.closest(".macro").replaceChildren())
    this.addEventListener("htmx:after:request", ({ detail: { ctx } }) => this.#sent(ctx))
  }

  #field(mode) { return this.querySelector(`textarea[data-mode="${mode}"]`) }

  #press(event) {
    if (event.key !== "/" || event.target.dataset.mode !== "reply" || event.target.value.trim()) return
    event.preventDefault()
    document.getElementById("macros")?.showPopover()
  }

  #sent({ request, response, sourceElement }) {
    if (request.method !== "POST" || response.status >= 400 || sourceElement?.matches("[data-looks]")) return
    for (const brought of this.querySelectorAll("[hx-morph-skip-children]")) brought.replaceChildren()
  }

  #name(input) {
    const names = [...input.files].map((file) => {
      const chip = document.createElement("span")
      chip.className = "chip"
      chip.textContent = file.name
      return chip
    })
    input.form.querySelector(".picked")?.replaceChildren(...names)
  }
})
