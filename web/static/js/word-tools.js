// <word-tools data-failed="…" data-stopped="…" data-stop="…" data-undo="…"> in the reply's form. A tool is chosen in a
// list elsewhere ([data-tool] holds its address); the answer is shown as it comes and changes nothing until it is taken.

const END = "\n"

customElements.define("word-tools", class extends HTMLElement {
  #connected
  #asking

  connectedCallback() {
    const { signal } = (this.#connected = new AbortController())
    document.addEventListener("click", ({ target }) => this.#chosen(target.closest("[data-tool]")), { signal })
    this.addEventListener("click", ({ target }) => this.#pressed(target), { signal })
    this.addEventListener("keydown", (event) => event.key === "Escape" && this.#leave(event), { signal })
  }

  disconnectedCallback() {
    this.#connected.abort()
    this.#asking?.abort()
  }

  get #field() { return this.closest("form").elements.body }

  #chosen(button) {
    if (!button) return
    button.closest("[popover]")?.hidePopover()
    this.#ask(button.dataset.tool, button.querySelector("span")?.textContent ?? "")
  }

  #pressed(target) {
    const take = target.closest("[data-take]")
    if (take) this.#take(take.dataset.take)
    else if (target.closest("[data-back]")) this.#write(target.closest("[data-back]").dataset.back, "")
    else if (target.closest("[data-leave]")) this.#leave()
  }

  async #ask(address, name) {
    this.#asking?.abort()
    const { signal } = (this.#asking = new AbortController())
    const words = this.#begin(name)
    try {
      await this.#read(address, words, signal)
    } catch {
      if (!signal.aborted) this.#say(this.dataset.failed)
    }
  }

  async #read(address, words, signal) {
    const body = new URLSearchParams({ body: this.#field.value })
    const headers = { "X-CSRF-Token": document.querySelector("meta[name=csrf]")?.content ?? "", Accept: "application/x-ndjson, application/json" }
    const answer = await fetch(address, { method: "POST", body, headers, signal })
    if (!answer.ok) return this.#say((await refusal(answer)) || this.dataset.failed)
    for await (const line of lines(answer.body)) {
      if (line.text) words.append(line.text)
      if (line.error) return this.#say(line.error)
      if (line.html) return this.#show(line.html)
    }
    this.#say(this.dataset.failed)
  }

  #begin(name) {
    const words = made("output", "writing")
    const head = made("p", "small faint", `${name} …`)
    this.replaceChildren(head, words, button(this.dataset.stop, "data-leave"))
    this.scrollIntoView({ block: "nearest" })
    return words
  }

  // From our own templates, everything in it escaped there.
  #show(html) {
    this.replaceChildren(document.createRange().createContextualFragment(html))
    this.querySelector("[data-take]")?.focus()
    this.scrollIntoView({ block: "nearest" })
  }

  #say(words) {
    const told = made("p", "warning", words)
    told.setAttribute("role", "alert")
    this.replaceChildren(told, button(this.dataset.close, "data-leave"))
  }

  #take(after) {
    const before = this.#field.value
    this.#write(after, before)
  }

  #write(text, before) {
    const field = this.#field
    field.value = text
    field.dispatchEvent(new Event("input", { bubbles: true }))
    this.replaceChildren()
    if (before) {
      const back = button(this.dataset.undo, "data-back")
      back.dataset.back = before
      this.append(back)
    }
    field.focus()
  }

  #leave(event) {
    if (!this.hasChildNodes()) return
    event?.preventDefault()
    event?.stopPropagation()
    this.#asking?.abort()
    this.replaceChildren()
    this.#field.focus()
  }
})

async function refusal(answer) {
  try {
    return (await answer.json()).title
  } catch {
    return ""
  }
}

async function* lines(stream) {
  let rest = ""
  for await (const piece of pieces(stream.pipeThrough(new TextDecoderStream()).getReader())) {
    const found = (rest + piece).split(END)
    rest = found.pop()
    for (const line of found) if (line) yield JSON.parse(line)
  }
}

// Not every browser can walk a stream by itself.
async function* pieces(reader) {
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    yield value
  }
}

function made(tag, className, words = "") {
  const element = document.createElement(tag)
  element.className = className
  element.textContent = words
  return element
}

function button(words, mark) {
  const element = made("button", "button quiet", words)
  element.type = "button"
  element.setAttribute(mark, "")
  return element
}
