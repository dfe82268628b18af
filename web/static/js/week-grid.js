// <week-grid>: intervals of a weekday are added, removed and copied from Monday without asking the server.
// The form works without it: an empty interval waits at the end of each day, and the copying buttons send the form.

const MOST = 12

customElements.define("week-grid", class extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => this.#press(event))
    for (const day of this.#days) {
      for (const interval of [...this.#intervals(day)]) if (this.#isEmpty(interval)) interval.remove()
      this.#settle(day)
    }
  }

  get #days() { return this.querySelectorAll("[data-day]") }

  #intervals(day) { return day.querySelectorAll("[data-interval]") }

  #isEmpty(interval) { return [...interval.querySelectorAll("input")].every((input) => !input.value) }

  #press(event) {
    const button = event.target.closest("button")
    if (!button) return
    const day = button.closest("[data-day]")
    if (button.dataset.copy) {
      event.preventDefault()
      this.#copy(button.dataset.copy)
    } else if ("add" in button.dataset) {
      this.#add(day, "", "").querySelector("input").focus()
      this.#settle(day)
    } else if ("remove" in button.dataset) {
      button.closest("[data-interval]").remove()
      this.#settle(day)
      day.querySelector("[data-add]").focus()
    }
  }

  #copy(range) {
    const [first, last] = range.split("-").map(Number)
    const monday = [...this.#intervals(this.#days[0])].map((each) => [...each.querySelectorAll("input")].map((input) => input.value))
    for (let number = first; number <= last; number++) {
      const day = this.#days[number]
      for (const interval of [...this.#intervals(day)]) interval.remove()
      for (const [from, until] of monday) this.#add(day, from, until)
      this.#settle(day)
    }
  }

  #add(day, from, until) {
    const interval = this.#pattern.cloneNode(true)
    const place = [...this.#intervals(day)].reduce((most, each) => Math.max(most, Number(each.dataset.interval) + 1), 0)
    interval.dataset.interval = place
    const label = day.getAttribute("aria-label")
    const [begins, ends] = interval.querySelectorAll("input")
    for (const [input, side, value] of [[begins, "from", from], [ends, "until", until]]) {
      input.name = `hours-${day.dataset.day}-${place}-${side}`
      input.value = value
      input.setAttribute("aria-label", this.dataset[side].replace("{day}", label))
    }
    day.querySelector(".closed").before(interval)
    return interval
  }

  get #pattern() { return this.querySelector("template").content.firstElementChild }

  #settle(day) {
    const intervals = this.#intervals(day)
    for (const interval of intervals) interval.querySelector("[data-remove]").hidden = false
    day.querySelector("[data-closed]").hidden = intervals.length > 0
    const add = day.querySelector("[data-add]")
    add.hidden = false
    add.disabled = intervals.length >= MOST
  }
})
