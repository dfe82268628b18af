// The list knows which ticket is open: at once when it is pressed, and again when the address changes.

import { renew } from "./live-stream.js"

const TYPING = 6_000 // ms
const LEFT = 60_000 // ms between two looks whether those who were there have left, which nobody says

customElements.define("ticket-rows", class extends HTMLElement {
  #connected
  #still = new Map() // by ticket: until when its customer counts as typing
  #looks

  connectedCallback() {
    const { signal } = (this.#connected = new AbortController())
    this.addEventListener("click", (event) => this.#pressed(event), { signal })
    document.addEventListener("htmx:after:history:push", () => this.#mark(location.pathname), { signal })
    this.addEventListener("htmx:finally:request", () => this.#rest(false), { signal })
    document.addEventListener("live:changed", ({ detail }) => detail.forEach((name) => this.#heard(name)), { signal })
    this.#looks = setInterval(() => !document.hidden && this.querySelector("[data-visitor][data-state]") && renew(this.closest("[data-src]")), LEFT)
    this.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" })
  }

  disconnectedCallback() {
    this.#connected.abort()
    clearInterval(this.#looks)
    this.#still.forEach((timer) => clearTimeout(timer))
  }

  // Who chats is marked by what the line says, without another question: a sign of life lasts for a while.
  #heard(name) {
    const [, kind, ticket] = /^(chat|writing)-(\d+)$/.exec(name) ?? []
    const mark = ticket && this.querySelector(`[data-visitor="${ticket}"]`)
    if (!mark || (kind === "chat" && mark.dataset.state === "typing")) return // typing is told by both names
    mark.dataset.state = kind === "writing" ? "typing" : "here"
    clearTimeout(this.#still.get(ticket))
    if (kind === "writing") this.#still.set(ticket, setTimeout(() => { mark.dataset.state = "here" }, TYPING))
  }

  #pressed(event) {
    const row = event.target.closest("[data-row]")
    if (!row || event.ctrlKey || event.metaKey || event.shiftKey) return
    this.#mark(row.pathname)
    this.#rest(true)
  }

  // Until the chosen ticket is there, nobody writes into the one before it.
  #rest(resting) {
    for (const pane of document.querySelectorAll("#work > *")) pane.inert = resting
  }

  #mark(path) {
    for (const row of this.querySelectorAll("[data-row]")) {
      const open = row.pathname === path
      row.toggleAttribute("aria-current", open)
      if (open) row.classList.remove("unread")
    }
    this.closest(".shell").dataset.at = /^\/tickets\/\d+/.test(path) ? "ticket" : "list"
  }
})
