// Light, dark, or as the system has it: shown at once, and told to the server, which renders it from then on.

const ORDER = ["system", "light", "dark"]

customElements.define("theme-switch", class extends HTMLElement {
  connectedCallback() {
    const form = this.querySelector("form")
    form.addEventListener("submit", (event) => {
      event.preventDefault()
      const chosen = form.elements.theme.value
      document.documentElement.dataset.theme = chosen
      fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) })
      form.elements.theme.value = ORDER[(ORDER.indexOf(chosen) + 1) % ORDER.length]
    })
  }
})
