// <button data-insert="words">: puts them where the caret stands in the open composer, and goes back there.
// <insert-words data-words="words">: does so as soon as it comes, once, in the form that it came into.

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-insert]")
  if (!button) return
  button.closest("[popover]")?.hidePopover()
  insert(button.dataset.insert)
})

customElements.define("insert-words", class extends HTMLElement {
  connectedCallback() {
    const field = this.closest("form")?.elements.body
    insert(this.dataset.words, field)
    setTimeout(() => field?.focus()) // htmx goes back to where the focus was before this came
    this.remove()
  }
})

function insert(words, field = [...document.querySelectorAll(".composer textarea")].find((each) => each.checkVisibility())) {
  if (!field) return
  const mode = document.querySelector(`.composer [name=mode][value="${field.dataset.mode}"]`)
  if (mode) mode.checked = true
  const before = field.value.slice(0, field.selectionStart)
  const gap = !before || before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n"
  field.setRangeText(gap + words + "\n\n", field.selectionStart, field.selectionEnd, "end")
  field.dispatchEvent(new Event("input", { bubbles: true }))
  field.focus()
}
