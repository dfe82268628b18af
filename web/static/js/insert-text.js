// <button data-insert="words">: puts them where the caret stands in the open composer, and goes back there.

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-insert]")
  const field = [...document.querySelectorAll(".composer textarea")].find((each) => each.checkVisibility())
  if (!button || !field) return
  const before = field.value.slice(0, field.selectionStart)
  const gap = !before || before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n"
  button.closest("[popover]")?.hidePopover()
  field.setRangeText(gap + button.dataset.insert + "\n\n", field.selectionStart, field.selectionEnd, "end")
  field.dispatchEvent(new Event("input", { bubbles: true }))
  field.focus()
})
