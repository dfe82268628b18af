// <time datetime="…"><relative-time>4 min</relative-time></time>: the server's words, kept true as time goes by.

const STEPS = [[60, "minute"], [24, "hour"], [7, "day"], [5, "week"], [12, "month"], [Infinity, "year"]]
const SIZES = { minute: 60, hour: 3_600, day: 86_400, week: 604_800, month: 2_629_800, year: 31_557_600 }
const language = document.documentElement.lang || "en"

export function span(seconds) {
  const size = Math.abs(seconds)
  const [, unit] = STEPS.find(([most, name]) => size < most * SIZES[name]) ?? STEPS.at(-1)
  const count = Math.max(unit === "minute" ? 0 : 1, Math.floor(size / SIZES[unit]))
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }).format(count)
}

customElements.define("relative-time", class extends HTMLElement {
  #tick

  connectedCallback() { this.#tick = setInterval(() => this.#show(), 20_000) }

  disconnectedCallback() { clearInterval(this.#tick) }

  #show() {
    const seconds = (Date.now() - Date.parse(this.parentElement.dateTime)) / 1000
    this.textContent = seconds < 60 ? this.dataset.now ?? this.textContent : span(seconds)
  }
})
