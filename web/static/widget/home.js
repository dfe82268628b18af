// Before anything is said: a greeting, the help centre, and earlier conversations.
import { clock, day, el, given, pictured, say, words } from "./page.js"

const PAUSE = 250 // ms after the last key

export class Home {
  element = el("section", { class: "home" })
  #desk
  #results = el("div", { class: "results", "aria-live": "polite" })
  #greeting = el("h2", { dir: "auto" })
  #reply = el("p", { class: "small", dir: "auto" })
  #pane
  #asked = 0

  // `show(element)` puts something in the place of everything, and takes it away again with null.
  constructor(desk, show) {
    this.#desk = desk
    this.#pane = show
    this.element.append(this.#greeting, this.#reply)
    this.greet(given.greeting, given.reply)
    if (given.articles) this.element.append(this.#search())
  }

  greet(greeting, reply) {
    this.#greeting.textContent = greeting
    this.#reply.textContent = reply
    this.#reply.hidden = !reply
  }

  #search() {
    let timer
    const input = el("input", { type: "search", "aria-label": words.ask, placeholder: words.ask, maxlength: 300, autocomplete: "off", oninput: () => {
      clearTimeout(timer)
      timer = setTimeout(() => this.#look(input.value.trim()), PAUSE)
    } })
    return el("form", { class: "search", role: "search", onsubmit: (event) => { event.preventDefault(); this.#look(input.value.trim()) } }, input, this.#results)
  }

  async #look(question) {
    const asked = ++this.#asked
    if (question.length < 3) return this.#results.replaceChildren()
    let found
    try {
      found = await this.#desk.ask(`/articles?${new URLSearchParams({ q: question, language: given.language })}`)
    } catch {
      return
    }
    if (asked !== this.#asked) return // somebody typed on meanwhile
    if (!found.articles.length) return this.#results.replaceChildren(el("p", { class: "small" }, words.nothing))
    this.#results.replaceChildren(el("ul", {}, ...found.articles.map((each) =>
      el("li", {}, el("button", { type: "button", onclick: () => this.open(each.id) }, el("b", { dir: "auto" }, each.title), el("span", { class: "small", dir: "auto" }, each.excerpt))))))
  }

  async open(id) {
    const article = await this.#desk.ask(`/articles/${id}`).catch(() => null)
    if (!article) return this.#results.replaceChildren(el("p", { class: "small" }, words.offline))
    const title = el("h2", { tabindex: "-1", dir: "auto" }, article.title)
    const body = el("div", { class: "article", dir: "auto" })
    // Markup of our own articles, which the desk has cleaned; the frame's policy runs nothing that stands in it.
    body.append(...new DOMParser().parseFromString(article.html, "text/html").body.childNodes)
    body.querySelectorAll("img").forEach((each) => each.remove())
    body.querySelectorAll("a[href]").forEach((each) => Object.assign(each, { target: "_blank", rel: "noopener noreferrer" }))
    this.#pane(el("article", {}, this.#back(), title, body, el("p", { class: "small" }, words.helped)))
    title.focus()
    say(article.title)
  }

  proving(form) {
    const title = el("h2", { tabindex: "-1" }, words.prove)
    this.#pane(el("section", {}, this.#back(), title, form))
    form.querySelector("input").focus()
  }

  // Earlier ones are read, not gone on with: whoever writes begins a new one.
  previous(conversations, read) {
    const list = el("ul", { class: "previous" }, ...conversations.map((each) =>
      el("li", {}, el("button", { type: "button", onclick: () => read(each.number) }, el("span", { dir: "auto" }, each.preview), el("time", { class: "small", datetime: each.at }, `${day(each.at)}, ${clock(each.at)}`)))))
    this.#pane(el("section", {}, this.#back(), el("h2", {}, words.previous), list))
  }

  earlier(thread, at) {
    this.#pane(el("section", {}, this.#back(), el("h2", {}, day(at)), thread))
  }

  #back() { return pictured("back", words.back, () => this.#pane(null), { class: "quiet back" }) }
}
