// Whoever is chosen from the suggestions stands in the field, which then asks what they have open already.

customElements.define("requester-picker", class extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", ({ target }) => {
      const address = target.closest("[data-address]")?.dataset.address
      if (!address) return
      const field = this.querySelector("[name=requester]")
      field.value = address
      field.dispatchEvent(new Event("input", { bubbles: true }))
      this.querySelector("[name=subject]").focus()
    })
  }
})
