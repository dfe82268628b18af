// <count-down due="2026-…" soon="1800" data-late="{} late">22 min</count-down>: what is left until a promise is due.
// The state (soon, late) goes on the nearest [data-state], where the stylesheet finds it.

const language = document.documentElement.lang || "en"
const unit = (name, count) => new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: "short" }).format(count)

customElements.define("count-down", class extends HTMLElement {
  #tick

  connectedCallback() {
    this.#tick = setInterval(() => this.#show(), 5_000)
    this.#show()
  }

  disconnectedCallback() { clearInterval(this.#tick) }

  #show() {
    const left = (Date.parse(this.getAttribute("due")) - Date.now()) / 1000
    const words = inWords(Math.abs(left))
    this.textContent = left < 0 ? this.dataset.late.replace("{}", words) : words
    const holder = this.closest("[data-state]")
    if (holder) holder.dataset.state = left < 0 ? "late" : left < this.getAttribute("soon") ? "soon" : "fine"
  }
})

function inWords(seconds) {
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return unit("minute", minutes)
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${unit("hour", hours)} ${unit("minute", minutes % 60)}`
  return `${unit("day", Math.floor(hours / 24))} ${unit("hour", hours % 24)}`
}
