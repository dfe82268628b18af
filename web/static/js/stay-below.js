// A thread opens at its end and stays there when something arrives, unless the reader has scrolled up.

const NEAR = 80 // px

customElements.define("stay-below", class extends HTMLElement {
  #seen
  #below = true

  connectedCallback() {
    const scroller = this.parentElement
    scroller.scrollTop = scroller.scrollHeight
    scroller.addEventListener("scroll", () => (this.#below = distance(scroller) < NEAR), { passive: true })
    this.#seen = new MutationObserver(() => this.#below && (scroller.scrollTop = scroller.scrollHeight))
    this.#seen.observe(scroller, { childList: true, subtree: true })
  }

  disconnectedCallback() { this.#seen.disconnect() }
})

const distance = ({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight
