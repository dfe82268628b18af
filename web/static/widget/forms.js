// What is typed: the message, files, what is asked for before the first one, and how it was when it is over.
import { el, given, icon, pictured, say, words } from "./page.js"

const LONGEST = 10_000 // characters of a message
const LONGEST_FIELD = 2000
const MOST_FILES = 5
const TOGETHER = 10 * 1024 ** 2
const EMOJI = ["🙂", "😀", "😅", "😍", "👍", "👎", "🙏", "👋", "🎉", "❤️", "🤔", "😕", "😢", "😡", "✅", "❌"]

export class Composer {
  #files = []
  #chosen = el("div", { class: "chosen" })
  #problem = el("p", { class: "problem", role: "alert", id: "problem", hidden: true })
  text = el("textarea", { rows: 1, dir: "auto", "aria-label": words.write, placeholder: words.write, "aria-describedby": "problem" })
  #sending
  #typed
  #before
  asked = null

  // `send({text, files})` and `typing()` do what they say.
  constructor(send, typing) {
    this.#sending = send
    const choose = el("input", { type: "file", multiple: true, class: "unseen", tabindex: "-1", "aria-hidden": "true", onchange: () => this.#take(choose) })
    const faces = el("div", { class: "faces", id: "faces", popover: "auto", role: "group", "aria-label": words.emoji },
      ...EMOJI.map((face) => el("button", { type: "button", class: "quiet", "aria-label": face, onclick: () => { this.#insert(face); faces.hidePopover() } }, face)))
    this.element = el("form", { class: "composer", "aria-label": words.talk, onsubmit: (event) => { event.preventDefault(); this.submit() } },
      this.#problem, this.#chosen,
      el("div", { class: "row" }, this.text,
        el("span", { class: "tools" },
          pictured("smile", words.emoji, null, { popovertarget: "faces" }), faces,
          given.files ? pictured("clip", words.attach, () => choose.click()) : null, given.files ? choose : null,
          el("button", { class: "send", "aria-label": words.send, title: words.send }, icon("send")))))
    this.text.addEventListener("input", () => {
      this.#grow()
      if (this.text.value && Date.now() - (this.#typed ?? 0) > 3000) {
        this.#typed = Date.now()
        typing()
      }
    })
    this.text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return
      event.preventDefault()
      this.submit()
    })
  }

  // What is asked for once, above the first message; null where nothing is.
  ask(form) {
    if (this.asked === form) return
    this.asked?.element.remove()
    this.asked = form
    if (form) this.element.prepend(form.element)
  }

  submit() {
    const text = this.text.value.trim()
    if (!text && !this.#files.length) return this.text.focus()
    if (text.length > LONGEST) return this.tell(words.too_long) // said, and nothing that was pasted is cut off
    const besides = this.asked ? this.asked.read() : {}
    if (!besides) return
    this.tell("")
    this.#sending({ text, files: this.#files.map(({ name, content, content_type }) => ({ name, content, content_type })), ...besides })
    this.text.value = ""
    this.#typed = 0
    this.#files = []
    this.#show()
    this.#grow()
    this.text.focus()
  }

  get isEmpty() { return !this.text.value && !this.#files.length }

  // What the desk did not take is there again, to be put right.
  takeBack({ text, files = [] }, problem) {
    this.text.value = text
    this.#files = files.map((file) => ({ ...file, size: file.content.length * 0.75 }))
    this.#show()
    this.#grow()
    this.tell(problem)
  }

  tell(problem) {
    this.#problem.textContent = problem
    this.#problem.hidden = !problem
  }

  #insert(face) {
    this.text.setRangeText(face, this.text.selectionStart, this.text.selectionEnd, "end")
    this.text.focus()
  }

  async #take(input) {
    const files = [...input.files]
    input.value = ""
    const all = [...this.#files, ...files]
    if (all.length > MOST_FILES || all.reduce((sum, file) => sum + file.size, 0) > TOGETHER) return this.tell(words.too_big)
    this.tell("")
    for (const file of files) this.#files.push({ name: file.name.slice(-255), size: file.size, content_type: file.type.slice(0, 127) || "application/octet-stream", content: await packed(file) })
    this.#show()
  }

  #show() {
    this.#chosen.replaceChildren(...this.#files.map((file, at) =>
      el("span", { class: "file" }, icon("file"), el("span", { dir: "auto" }, file.name), pictured("close", `${words.remove}: ${file.name}`, () => { this.#files.splice(at, 1); this.#show() }))))
  }

  #grow() {
    this.text.style.height = "auto"
    this.text.style.height = `${Math.min(this.text.scrollHeight, 140)}px`
  }
}

function packed(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1))
    reader.onerror = () => reject(reader.error)
    reader.readAsDataURL(file)
  })
}

// Name, address and fields, as the chat asks for them; nothing of it is proof of anything.
export function introduction(known, fields) {
  const inputs = []
  const add = (key, label, input, required, hint) => {
    const id = `f-${key}`
    input.id = id
    if (required) input.required = true
    inputs.push({ key, input, required })
    return el("div", { class: "field" }, el("label", { for: id }, required || input.type === "checkbox" ? label : `${label} (${words.optional})`), input, hint ? el("p", { class: "small" }, hint) : null)
  }
  const parts = []
  if (given.name !== "no") parts.push(add("name", words.name, el("input", { autocomplete: "name", maxlength: 200, value: known.name ?? "" }), given.name === "required"))
  if (given.email !== "no") parts.push(add("email", words.email, el("input", { type: "email", autocomplete: "email", maxlength: 254, value: known.email ?? "" }), given.email === "required", words.why_email))
  for (const field of given.fields) parts.push(add(`fields.${field.key}`, field.name, inputFor(field, fields[field.key]), field.required, field.hint))
  if (!parts.length) return null
  return { element: el("div", { class: "introduction" }, ...parts), read: () => answers(inputs), know: (fields) => inputs.forEach((each) => fill(each, fields)) }
}

// What the site says of the fields that are asked for, as far as a form can hold it: its mistakes must neither stand
// there as if somebody had typed them nor make a message too large. Whoever builds the site is told.
export function fitting(said) {
  const taken = Object(said)
  const fits = given.fields.filter(({ key, name, kind }) => {
    if (!Object.hasOwn(taken, key) || taken[key] === null) return false
    if (holds(kind, taken[key])) return true
    console.warn(`helpdesk.setFields: "${name}" can't be filled in with what the page gives.`)
    return false
  })
  return Object.fromEntries(fits.map(({ key }) => [key, taken[key]]))
}

function holds(kind, value) {
  if (Array.isArray(value)) return kind === "choices" && value.every((each) => typeof each === "string") && value.join().length <= LONGEST_FIELD
  if (typeof value !== "string") return typeof value === "number" || typeof value === "boolean"
  return value.length <= LONGEST_FIELD && (kind !== "link" || !value || URL.canParse(value))
}

const isYes = (value) => value === true || value === "true"

// What the site says later of a field; what somebody typed there stays.
function fill({ key, input }, fields) {
  const value = key.startsWith("fields.") ? fields[key.slice(7)] : undefined
  if (value === undefined) return
  if (input.type === "checkbox") input.checked = isYes(value)
  else if (input.multiple) for (const each of input.options) each.selected ||= [value].flat().includes(each.value)
  else input.value ||= value
}

function inputFor(field, value = "") {
  const chosen = (each) => (Array.isArray(value) ? value.includes(each) : each === value)
  if (field.kind.startsWith("choice")) {
    return el("select", { multiple: field.kind === "choices" }, ...(field.kind === "choice" ? [el("option", { value: "" })] : []), ...field.choices.map((each) => el("option", { value: each, selected: chosen(each) }, each)))
  }
  if (field.kind === "boolean") return el("input", { type: "checkbox", checked: isYes(value) })
  const type = { number: "number", date: "date", link: "url" }[field.kind] ?? "text"
  return el("input", { type, value, maxlength: LONGEST_FIELD, step: type === "number" ? "any" : null })
}

function answers(inputs) {
  const read = { fields: {} }
  for (const { key, input, required } of inputs) {
    const value = input.type === "checkbox" ? (input.checked ? "true" : "") : input.multiple ? [...input.selectedOptions].map((each) => each.value) : input.value.trim()
    input.setCustomValidity(required && !value.length ? words.missing : "")
    if (!input.reportValidity()) return null
    if (!value.length) continue
    if (key.startsWith("fields.")) read.fields[key.slice(7)] = value
    else read[key] = value
  }
  return read
}

// How it was, once the conversation is over.
export function rating(give) {
  const scores = words.scores.split("\n")
  const comment = el("textarea", { rows: 2, maxlength: 4000, "aria-label": words.comment, placeholder: words.comment })
  const problem = el("p", { class: "problem", role: "alert" })
  const card = el("form", { class: "rating", onsubmit: (event) => {
    event.preventDefault()
    const score = Number(new FormData(card).get("score"))
    problem.textContent = ""
    give(score, comment.value.trim()).then(() => {
      card.replaceChildren(el("p", {}, words.rated))
      say(words.rated)
    }, (error) => { problem.textContent = (error.status && error.message) || words.offline })
  } },
    el("fieldset", {}, el("legend", {}, words.rate), ...["😞", "🙁", "😐", "🙂", "😀"].map((face, at) =>
      el("label", { title: scores[at] }, el("input", { type: "radio", name: "score", value: at + 1, required: true }), el("span", { "aria-hidden": "true" }, face), el("span", { class: "unseen" }, scores[at])))),
    comment, problem, el("button", { class: "plain" }, words.send))
  return card
}
