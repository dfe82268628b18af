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
  connectedCallback() {
    const script = document.createElement("script")
    script.src = this.dataset.src
    script.addEventListener("load", () => this.#listen())
    this.append(script)
    this.addEventListener("click", ({ target }) => {
      const button = target.closest("button[value]")
      if (button?.value === "identify") window.helpdesk.identify(this.querySelector("input").value.trim())
      else if (button) window.helpdesk[button.value]()
    })
  }

  #listen() {
    const told = this.querySelector("output")
    for (const name of ["ready", "open", "close", "message", "unread"]) {
      window.helpdesk.on(name, (value) => {
        told.append(`${name}${value === undefined ? "" : ` ${JSON.stringify(value)}`}\n`)
      })
    }
  }
})
