// The server says what each key does: data-keys="e", "g i" (one after the other), "Mod+Enter", "Alt+d"; several with |.
// A field with keys is focused, everything else is clicked. j and k walk along [data-row].

const TYPING = "input:not([type=radio], [type=checkbox], [type=button]), textarea, select, [contenteditable]"
const OVER = ":popover-open"
const COVER = ".sheet:popover-open, .picklist:popover-open" // nothing under these is meant
const SEND = "Mod+Enter"
const PATIENCE = 900 // ms between the two keys of "g i"
const ready = new Promise((resolve) => setTimeout(resolve)) // htmx starts in such a timer of its own, set before ours

customElements.define("hot-keys", class extends HTMLElement {
  #connected
  #first = ""
  #forget

  connectedCallback() {
    this.#connected = new AbortController()
    document.addEventListener("keydown", (event) => this.#press(event), { signal: this.#connected.signal })
  }

  disconnectedCallback() { this.#connected.abort() }

  #press(event) {
    if (event.defaultPrevented || event.isComposing || event.repeat && !"jk".includes(event.key)) return
    const key = named(event)
    const bare = !key.includes("+")
    if (key === "Escape" && document.querySelector(OVER)) return this.#close(event)
    if (bare && event.target.closest(TYPING)) {
      if (key === "Escape") event.target.blur()
      return
    }
    if (key === "o") return document.activeElement.closest("[data-row]")?.click()
    if (key === "j" || key === "k") return this.#walk(key === "j" ? 1 : -1, event)
    const form = event.target.closest("form")
    if (key === SEND && form) return this.#send(form, event)
    const element = this.#meant(`${this.#first} ${key}`.trim()) ?? this.#meant(key)
    this.#remember(key)
    if (!element) return
    event.preventDefault()
    if (element.matches(TYPING)) element.focus()
    else ready.then(() => element.click())
  }

  // What lies on top, and nothing else; a search field would keep the key to empty itself.
  #close(event) {
    if (!event.target.closest("input[type=search]")) return
    event.preventDefault()
    event.target.closest("[popover]")?.hidePopover()
  }

  // What is sent is what somebody is writing, whatever else can be sent from this page.
  #send(form, event) {
    event.preventDefault()
    const button = form.querySelector(`[data-keys~="${SEND}"]`)
    ready.then(() => button ? button.click() : form.requestSubmit())
  }

  #remember(key) {
    clearTimeout(this.#forget)
    this.#first = key
    this.#forget = setTimeout(() => (this.#first = ""), PATIENCE)
  }

  #meant(keys) {
    const under = document.querySelector(COVER) ?? document
    return [...under.querySelectorAll("[data-keys]")].find(
      (element) => element.dataset.keys.split("|").includes(keys) && (element.checkVisibility() || "always" in element.dataset),
    )
  }

  #walk(step, event) {
    const rows = [...document.querySelectorAll("[data-row]")].filter((row) => row.checkVisibility())
    if (!rows.length) return
    const at = rows.findIndex((row) => row === document.activeElement)
    const from = at >= 0 ? at : rows.findIndex((row) => row.hasAttribute("aria-current"))
    const row = rows[Math.min(Math.max(from + step, 0), rows.length - 1)]
    event.preventDefault()
    row.focus()
    row.scrollIntoView({ block: "nearest" })
  }
})

function named({ key, code, ctrlKey, metaKey, altKey }) {
  // With Alt a Mac types another letter, so the key's place counts there.
  const name = altKey && code.startsWith("Key") ? code.slice(3).toLowerCase() : key.length === 1 ? key.toLowerCase() : key
  return [(ctrlKey || metaKey) && "Mod", altKey && "Alt", name].filter(Boolean).join("+")
}
