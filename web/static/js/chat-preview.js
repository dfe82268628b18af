// <chat-preview><form>…</form><iframe class="chat-frame">: what is typed is seen in the frame before it is saved.
// <chat-try data-src="/chat/…/widget.js">: the chat as a site shows it, and what a site can have it do.
customElements.define("chat-preview", class extends HTMLElement {
  connectedCallback() {
    this.addEventListener("input", () => this.#show())
  }

  #show() {
    const frame = this.querySelector(".chat-frame")
    const { accent, title, greeting, reply_time: reply } = Object.fromEntries(new FormData(this.querySelector("form")))
    const value = { accent, title: title || this.querySelector("[name=title]").placeholder, greeting: greeting || this.querySelector("[name=greeting]").placeholder, reply }
    frame.contentWindow.postMessage({ helpdesk: 1, kind: "preview", value }, location.origin)
  }
})

customElements.define("chat-try", class extends HTMLElement {
  #fields = {}

  connectedCallback() {
    window.helpdesk ??= [] // what is said before the script is there waits, as on a site
    for (const name of ["ready", "open", "close", "message", "unread"]) this.#say("on", name, (value) => this.#tell(name, value))
    const script = document.createElement("script")
    script.src = this.dataset.src
    this.append(script)
    this.addEventListener("click", ({ target }) => this.#does[target.closest("button[value]")?.value]?.())
  }

  #does = {
    open: () => this.#say("open"),
    close: () => this.#say("close"),
    forget: () => this.#say("forget"),
    identify: () => {
      const [jwt, name, email] = ["token", "who-name", "who-email"].map((field) => this.#typed(field))
      this.#done("identify", jwt || { name, email })
    },
    setFields: () => {
      this.#fields = { ...this.#fields, [this.#typed("field-key")]: this.#typed("field-value") }
      this.#done("setFields", this.#fields) // which takes the place of what was set before
    },
  }

  #typed(name) { return this.querySelector(`[name="${name}"]`).value.trim() }

  #done(name, given) {
    this.#say(name, given)
    this.#tell(`${name}()`, given)
  }

  #say(name, ...given) {
    if (Array.isArray(window.helpdesk)) window.helpdesk.push([name, ...given])
    else window.helpdesk[name](...given)
  }

  #tell(name, value) {
    const at = new Date().toLocaleTimeString(document.documentElement.lang)
    this.querySelector("output").append(`${at}  ${name}${value === undefined ? "" : ` ${JSON.stringify(value)}`}\n`)
  }
})
