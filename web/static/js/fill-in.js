// <fill-in> around a select whose values are JSON: choosing one writes its values into the form's fields of those names.

customElements.define("fill-in", class extends HTMLElement {
  connectedCallback() {
    const chosen = this.querySelector("select")
    chosen?.addEventListener("change", () => {
      if (!chosen.value) return
      const fields = this.closest("form").elements
      for (const [name, value] of Object.entries(JSON.parse(chosen.value))) {
        if (fields[name]) fields[name].value = value
      }
    })
  }
})
