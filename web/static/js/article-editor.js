// <article-editor> around the form of an article: what is typed is kept in this browser at once and at the desk a moment
// later, and stands beside it as readers will see it. Nothing is overwritten that somebody else has saved meanwhile.
import { inserted, marked, begun } from "./markdown-marks.js"

const QUIET = 700 // ms without a keystroke
const AGAIN = 5000 // ms until the next try when the desk cannot be reached

customElements.define("article-editor", class extends HTMLElement {
  #connected
  #waiting
  #sending = false
  #over = false
  #crossed = false

  connectedCallback() {
    this.form = this.querySelector("form")
    this.body = this.form.elements.body
    const { signal } = (this.#connected = new AbortController())
    this.saved = this.#typed()
    this.#bringBack()
    this.form.addEventListener("input", () => this.#later(), { signal })
    this.form.addEventListener("submit", (event) => this.#leave(event), { signal })
    this.addEventListener("click", (event) => this.#press(event), { signal })
    this.addEventListener("keydown", (event) => this.#key(event), { signal })
    this.addEventListener("change", ({ target }) => target.type === "file" && this.#upload([...target.files], target), { signal })
    this.body.addEventListener("paste", (event) => this.#dropped(event, event.clipboardData), { signal })
    this.body.addEventListener("drop", (event) => this.#dropped(event, event.dataTransfer), { signal })
    window.addEventListener("beforeunload", (event) => { if (this.#isNew) { this.#keep(); event.preventDefault() } }, { signal })
    window.addEventListener("pagehide", () => this.#isNew && this.#keep(), { signal })
  }

  disconnectedCallback() {
    clearTimeout(this.#waiting)
    this.#connected.abort()
  }

  #typed() {
    const { title, body, note } = this.form.elements
    return JSON.stringify([title.value, body.value, note.value])
  }
  get #isNew() { return this.#typed() !== this.saved }

  #bringBack() {
    const kept = JSON.parse(localStorage.getItem(this.dataset.key) ?? "null")
    if (!kept || kept.typed === this.saved) return this.#forget()
    const { title, body, note, revision, version } = this.form.elements
    ;[title.value, body.value, note.value] = JSON.parse(kept.typed)
    // What it was begun from: the desk says so if somebody else has saved since.
    ;[revision.value, version.value] = [kept.revision, kept.version]
    this.#say(this.dataset.wordsRestored)
    this.#later(0)
  }

  #keep() {
    const { revision, version } = this.form.elements
    localStorage.setItem(this.dataset.key, JSON.stringify({ typed: this.#typed(), revision: revision.value, version: version.value }))
  }
  #forget() { localStorage.removeItem(this.dataset.key) }

  #later(quiet = QUIET) {
    this.#keep()
    clearTimeout(this.#waiting)
    if (!this.#crossed) this.#waiting = setTimeout(() => this.#save(), quiet)
  }

  async #save() {
    if (this.#sending) return this.#later()
    if (!this.form.elements.title.value.trim()) return
    const typed = this.#typed()
    this.#sending = true
    this.#say(this.dataset.wordsSaving)
    try {
      const answer = await this.#send(this.dataset.save, this.#fields())
      const told = await answer.json()
      if (answer.status === 409 && told.notice) return this.#show(told)
      if (!answer.ok) return this.#say(told.title ?? this.dataset.wordsKept)
      this.#took(typed, told)
    } catch {
      this.#say(this.dataset.wordsKept)
      this.#waiting = setTimeout(() => this.#save(), AGAIN)
    } finally {
      this.#sending = false
    }
  }

  #took(typed, { revision, version, preview }) {
    this.saved = typed
    this.#over = false
    this.form.elements.revision.value = revision
    this.form.elements.version.value = version
    this.querySelector(".preview .prose").innerHTML = preview
    this.querySelector(".preview-title").textContent = this.form.elements.title.value
    if (this.#isNew) return this.#later()
    this.#forget()
    this.#say(this.dataset.wordsSaved)
  }

  #fields() {
    const fields = new FormData(this.form)
    fields.delete("csrf")
    for (const [name, value] of [...fields]) if (value instanceof File) fields.delete(name)
    if (this.#over) fields.set("over", "true")
    return fields
  }

  #send(address, body) {
    const headers = { "X-CSRF-Token": document.querySelector("meta[name=csrf]").content, Accept: "application/json" }
    return fetch(address, { method: "POST", body, headers })
  }

  #show({ notice, revision, version }) {
    this.#crossed = { revision, version }
    this.querySelector(".crossed-place").innerHTML = notice
    this.#say("")
  }

  #press(event) {
    const button = event.target.closest("button")
    if (!button) return
    const { mark, line, insertTable } = button.dataset
    if (mark) marked(this.body, mark)
    else if (line) begun(this.body, line)
    else if ("insertLink" in button.dataset) marked(this.body, "[", "](https://)")
    else if (insertTable) inserted(this.body, `\n${insertTable}\n| --- | ---: |\n|  |  |\n`)
    else if ("mine" in button.dataset) this.#decide(true)
    else if ("theirs" in button.dataset) this.#decide(false)
    else if ("turn" in button.dataset) button.setAttribute("aria-pressed", this.toggleAttribute("data-preview"))
  }

  #decide(mine) {
    this.querySelector(".crossed-place").replaceChildren()
    if (!mine) {
      this.saved = this.#typed()
      this.#forget()
      return location.reload()
    }
    this.form.elements.revision.value = this.#crossed.revision
    this.form.elements.version.value = this.#crossed.version
    this.#crossed = false
    this.#over = true
    this.#save()
  }

  #key(event) {
    if (event.target !== this.body || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return
    const does = { b: () => marked(this.body, "**"), i: () => marked(this.body, "*"), k: () => marked(this.body, "[", "](https://)") }[event.key]
    if (!does) return
    event.preventDefault()
    does()
  }

  #dropped(event, data) {
    const pictures = [...(data?.files ?? [])].filter(({ type }) => type.startsWith("image/"))
    if (!pictures.length) return
    event.preventDefault()
    this.#upload(pictures)
  }

  async #upload(files, input) {
    for (const file of files) {
      const place = `![${this.dataset.wordsUploading} ${file.name.replace(/[[\]()]/g, " ")}]()`
      const before = this.body.value.slice(0, this.body.selectionStart)
      inserted(this.body, (/[^\n]\n$/.test(before) ? "\n" : "") + place) // a paragraph of its own, not a row of a table
      const fields = new FormData()
      fields.set("image", file)
      let stands = ""
      try {
        const answer = await this.#send(this.dataset.images, fields)
        const told = await answer.json()
        if (answer.ok) stands = told.markdown
        else this.#refused(told.title)
      } catch {
        this.#refused(this.dataset.wordsKept)
      }
      this.body.setRangeText(stands, this.body.value.indexOf(place), this.body.value.indexOf(place) + place.length, "end")
      this.#later(0)
    }
    if (input) input.value = ""
  }

  // Everything typed reaches the desk before the page is left.
  async #leave(event) {
    if (event.submitter?.dataset.ready === "yes") return
    event.preventDefault()
    clearTimeout(this.#waiting)
    const button = event.submitter
    while (this.#sending) await new Promise((go) => setTimeout(go, 50))
    if (this.#isNew || button?.dataset.publish === undefined) await this.#save()
    if (this.#isNew || this.#crossed) return
    this.#forget()
    if (button?.dataset.publish === undefined) return location.assign(this.querySelector(".bar a").href)
    const fields = new FormData()
    fields.set("note", this.form.elements.note.value)
    const answer = await this.#send(button.formAction, fields)
    if (answer.ok) return location.assign(answer.redirected ? answer.url : this.querySelector(".bar a").href)
    this.#refused((await answer.json().catch(() => ({}))).title)
  }

  #refused(words) { this.#say(words || this.dataset.wordsKept) }

  #say(words) { this.querySelector(".kept").textContent = words }
})
