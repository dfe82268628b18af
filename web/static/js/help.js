// The help centre's only script: what answers appears while one types. Without it every page works, a press later.

const PAUSE = 180 // ms without a key before the desk is asked
const LEAST = 3 // characters

async function offered(address, question, signal) {
  const answer = await fetch(`${address}?q=${encodeURIComponent(question.slice(0, 200))}`, { signal })
  return answer.ok ? answer.json() : []
}

function entry({ title, hint, words, href }) {
  const link = document.createElement("a")
  const name = document.createElement("b")
  const rest = document.createElement("span")
  link.href = href
  link.dir = "auto"
  name.textContent = title
  rest.textContent = words || hint
  link.append(name, rest)
  return link
}

class Asking extends HTMLElement {
  #connected
  #asked
  #waiting

  connectedCallback() {
    this.#connected = new AbortController()
    this.listen(this.#connected.signal)
  }

  disconnectedCallback() {
    this.#connected.abort()
    clearTimeout(this.#waiting)
  }

  // Of many keys the last one asks, and an answer that comes late is not shown.
  ask(question) {
    clearTimeout(this.#waiting)
    this.#asked?.abort()
    if (question.trim().length < LEAST) return this.show([])
    this.#waiting = setTimeout(async () => {
      this.#asked = new AbortController()
      try {
        this.show(await offered(this.dataset.offers, question, this.#asked.signal))
      } catch (error) {
        if (error.name !== "AbortError") this.show([])
      }
    }, PAUSE)
  }

  forget() {
    clearTimeout(this.#waiting)
    this.#asked?.abort()
    this.show([])
  }
}

// <help-search>: a field with a list below it; arrows choose, Enter opens, Escape closes.
customElements.define("help-search", class extends Asking {
  #chosen = -1

  get input() { return this.querySelector("input") }
  get list() { return this.querySelector(".help-offers") }
  get links() { return [...this.list.children] }

  listen(signal) {
    Object.assign(this.list, { id: this.list.id || "help-offers", role: "listbox" })
    this.input.setAttribute("role", "combobox")
    this.input.setAttribute("aria-controls", this.list.id)
    this.input.setAttribute("aria-expanded", "false")
    this.input.setAttribute("aria-autocomplete", "list")
    this.input.addEventListener("input", () => this.ask(this.input.value), { signal })
    this.input.addEventListener("keydown", (event) => this.#press(event), { signal })
    this.addEventListener("focusout", ({ relatedTarget }) => this.contains(relatedTarget) || this.forget(), { signal })
  }

  show(found) {
    this.#chosen = -1
    this.list.replaceChildren(...found.map((each, at) => {
      const link = entry(each)
      link.id = `help-offer-${at}`
      link.setAttribute("role", "option")
      link.tabIndex = -1
      return link
    }))
    this.input.setAttribute("aria-expanded", String(found.length > 0))
    this.input.removeAttribute("aria-activedescendant")
  }

  #press(event) {
    const links = this.links
    if (event.key === "Escape") return this.forget()
    if (!links.length) return
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault()
      const step = event.key === "ArrowDown" ? 1 : -1
      this.#chosen = (this.#chosen + step + links.length) % links.length
      for (const [at, link] of links.entries()) link.setAttribute("aria-selected", String(at === this.#chosen))
      this.input.setAttribute("aria-activedescendant", links[this.#chosen].id)
    } else if (event.key === "Enter" && this.#chosen >= 0) {
      event.preventDefault()
      links[this.#chosen].click()
    }
  }
})

// <help-likely> around subject and message: articles that may answer, before anything is sent.
customElements.define("help-likely", class extends Asking {
  get box() { return this.querySelector(".likely") }

  listen(signal) {
    this.addEventListener("input", () => {
      const [subject, text] = ["subject", "text"].map((name) => this.querySelector(`[name=${name}]`).value)
      if (this.box) this.ask(`${subject} ${text}`.trim())
    }, { signal })
  }

  show(found) {
    const { box } = this
    if (!box) return
    box.hidden = found.length === 0
    const title = document.createElement("h2")
    title.textContent = this.dataset.title
    const list = document.createElement("ul")
    list.append(...found.slice(0, 3).map((each) => {
      const item = document.createElement("li")
      const link = entry(each)
      Object.assign(link, { target: "_blank", rel: "noopener" })
      item.append(link)
      return item
    }))
    box.replaceChildren(...(found.length ? [title, list] : []))
  }
})

// <help-chat>: the brand's chat in the corner. Whoever has signed in is known there, by a word that the page carries.
customElements.define("help-chat", class extends HTMLElement {
  connectedCallback() {
    const { src, lang, word } = this.dataset
    if (word) window.helpdesk = [["identify", word]]
    const script = Object.assign(document.createElement("script"), { src, async: true })
    script.dataset.lang = lang
    this.append(script)
  }
})

// The # beside a heading: its address is in the address bar and, where the browser lets us, copied.
document.addEventListener("click", ({ target }) => {
  const anchor = target.closest(".anchor")
  if (anchor) navigator.clipboard?.writeText(anchor.href).catch(() => {})
})
