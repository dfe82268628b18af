// A textarea as high as its text, where the stylesheet's `field-sizing: content` is not known yet.

customElements.define("auto-grow", class extends HTMLElement {
  connectedCallback() {
    if (CSS.supports("field-sizing", "content")) return
    const field = this.querySelector("textarea")
    const grow = () => {
      field.style.blockSize = "auto"
      field.style.blockSize = `${field.scrollHeight}px`
    }
    field.addEventListener("input", grow)
    grow()
  }
})
