// <wall-screen>: a page for a screen that nobody touches. It does not go dark while it is shown, where the browser
// allows that, and a press or the key f makes it fill the screen.
customElements.define("wall-screen", class extends HTMLElement {
  #connected

  connectedCallback() {
    this.#connected = new AbortController()
    const { signal } = this.#connected
    const button = this.querySelector("[data-fullscreen]")
    if (button && document.fullscreenEnabled) {
      button.hidden = false
      button.addEventListener("click", () => document.documentElement.requestFullscreen(), { signal })
    }
    document.addEventListener("visibilitychange", () => this.#stayAwake(), { signal })
    this.#stayAwake()
  }

  disconnectedCallback() { this.#connected.abort() }

  // The browser lets go of it whenever the page is out of sight.
  async #stayAwake() {
    if (document.hidden) return
    try {
      await navigator.wakeLock?.request("screen")
    } catch {
      // Refused, such as on low battery: the screen does as its owner set it.
    }
  }
})
