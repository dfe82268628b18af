// <copy-text value="…"> around a button.

customElements.define("copy-text", class extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", async () => {
      await navigator.clipboard.writeText(this.getAttribute("value"))
      this.toggleAttribute("copied", true)
      setTimeout(() => this.removeAttribute("copied"), 1_500)
    })
  }
})
