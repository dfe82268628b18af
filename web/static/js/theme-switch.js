// Light, dark, or as the system has it: shown at once, and told to the server, which renders it from then on.

customElements.define("theme-switch", class extends HTMLElement {
  connectedCallback() {
    const form = this.querySelector("form")
    form.addEventListener("submit", async (event) => {
      event.preventDefault()
      const order = ["system", "light", "dark"]
      const theme = order[(order.indexOf(form.elements.theme.value) + 1) % order.length]
      const told = new FormData(form)
      form.elements.theme.value = theme
      document.documentElement.dataset.theme = theme
      this.dataset.theme = theme
      await fetch(form.action, { method: "POST", body: new URLSearchParams(told), headers: { "X-CSRF-Token": told.get("csrf") } })
    })
  }
})
