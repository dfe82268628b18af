// An address is proved by six digits that are mailed to it; before that, what is typed is believed by nobody.
import { el, say, words } from "./page.js"

// `ask(email)` has the code mailed and returns the address, `prove(code)` gives it back. Both raise what is shown.
export function proof(email, ask, prove) {
  const problem = el("p", { class: "problem", role: "alert", id: "unproved" })
  const form = el("form", { class: "proof", novalidate: true })
  const typed = (attributes) => el("input", { id: "typed", "aria-describedby": "unproved", required: true, ...attributes })

  const step = (explained, label, input, press, act, ...more) => {
    problem.textContent = ""
    const button = el("button", { class: "plain" }, press)
    form.replaceChildren(el("p", { class: "small", dir: "auto" }, explained), el("div", { class: "field" }, el("label", { for: "typed" }, label), input), problem, button, ...more)
    form.onsubmit = async (event) => {
      event.preventDefault()
      if (button.disabled) return
      problem.textContent = ""
      if (!input.value.trim()) problem.textContent = words.missing
      else if (input.type === "email" && !input.checkValidity()) problem.textContent = words.no_email
      if (problem.textContent) return input.focus()
      button.disabled = true
      try {
        await act(input.value.trim())
      } catch (error) {
        problem.textContent = (error.status && error.message) || words.offline
        input.select()
      } finally {
        button.disabled = false
      }
    }
    if (form.isConnected) input.focus()
  }

  const first = (known) => step(words.why_prove, words.email, typed({ type: "email", autocomplete: "email", maxlength: 254, value: known, dir: "ltr" }), words.mail_code, async (given) => {
    const { address } = await ask(given)
    const told = words.code_sent.replace("{address}", address)
    const again = el("button", { type: "button", class: "plain", onclick: () => first(given) }, words.other)
    step(told, words.code, typed({ inputmode: "numeric", autocomplete: "one-time-code", maxlength: 12, dir: "ltr" }), words.confirm, prove, again)
    say(told)
  })
  first(email)
  return form
}
