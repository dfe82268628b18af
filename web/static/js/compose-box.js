// Reply or note: choosing one puts the caret where its words go. Chosen files are named before they are sent.

customElements.define("compose-box", class extends HTMLElement {
  connectedCallback() {
    for (const mode of this.querySelectorAll("[name=mode]")) {
      mode.addEventListener("click", () => this.#field(mode.value)?.focus())
    }
    this.addEventListener("htmx:before:request", () => this.querySelector("[popover]:popover-open")?.hidePopover())
    this.addEventListener("change", ({ target }) => target.type === "file" && this.#name(target))
  }

  #field(mode) { return this.querySelector(`textarea[data-mode="${mode}"]`) }

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
