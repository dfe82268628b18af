// <desk-notices data-of="agent-7" data-src="/notices/news">: what the agent asked to be told on the desktop, or by a
// sound, is told once however many tabs are open, and not at all where the ticket is before their eyes.
// The number of what is new stands before the title of every tab.
import { chime } from "./chime.js"

const LATER = 350 // ms that a tab in the background leaves to the one that is looked at
const PLACE = "notices told"

customElements.define("desk-notices", class extends HTMLElement {
  #connected
  #watch = new MutationObserver(() => this.#count())

  connectedCallback() {
    const { signal } = (this.#connected = new AbortController())
    document.addEventListener("live:changed", ({ detail }) => this.#hear(detail), { signal })
    this.#watch.observe(document.head, { childList: true, subtree: true, characterData: true })
    const bell = document.getElementById("bell")?.parentElement
    if (bell) this.#watch.observe(bell, { childList: true, subtree: true, characterData: true })
    this.#count()
    if (told().upto === undefined) this.#ask(Date.now())
  }

  disconnectedCallback() {
    this.#connected.abort()
    this.#watch.disconnect()
  }

  #hear(names) {
    if (!names.includes(this.dataset.of) && !names.includes("resync")) return
    const at = Date.now()
    setTimeout(() => this.#ask(at), document.hasFocus() ? 0 : LATER)
  }

  // One tab after the other: who comes later finds that what it heard of was looked at since.
  #ask(at) {
    if (!navigator.locks) return this.#look(at)
    return navigator.locks.request("notices", () => this.#look(at))
  }

  async #look(at) {
    const { looked = 0, upto } = told()
    if (looked > at) return
    const began = Date.now()
    const src = upto === undefined ? this.dataset.src : `${this.dataset.src}?after=${upto}`
    const answer = await fetch(src, { headers: { accept: "application/json" } }).catch(() => null)
    if (!answer?.ok) return
    const found = await answer.json()
    tell({ looked: began, upto: found.upto })
    const fresh = found.news.filter(({ number }) => !(document.hasFocus() && location.pathname === `/tickets/${number}`))
    fresh.filter((each) => each.desktop).forEach((each) => show(each))
    if (fresh.some((each) => each.sound)) chime()
  }

  #count() {
    const words = document.querySelector("#bell .count")?.firstChild?.data?.trim() ?? ""
    const bare = document.title.replace(/^\(\d+\+?\) /, "")
    const wanted = words ? `(${words}) ${bare}` : bare
    if (document.title !== wanted) document.title = wanted
  }
})

function show({ number, title, body }) {
  if (!window.Notification || Notification.permission !== "granted") return
  try {
    const notice = new Notification(title, { body, tag: `ticket-${number}` })
    notice.onclick = () => {
      notice.close()
      window.focus()
      location.assign(`/tickets/${number}`)
    }
  } catch {
    // Some browsers on phones only let a service worker show any: the bell says it all the same.
  }
}

function told() { return JSON.parse(safely(() => localStorage.getItem(PLACE)) ?? "{}") }

function tell(value) { safely(() => localStorage.setItem(PLACE, JSON.stringify(value))) }

function safely(act) {
  try {
    return act()
  } catch {
    return null // storage that is full or forbidden: then each tab tells for itself
  }
}

// Asked for by a press, never by itself.
customElements.define("notice-permission", class extends HTMLElement {
  connectedCallback() {
    this.querySelector("button").addEventListener("click", async () => {
      await Notification.requestPermission()
      this.#stand()
    })
    this.#stand()
  }

  #stand() {
    const now = window.Notification ? Notification.permission : "never"
    for (const part of this.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== now
  }
})
