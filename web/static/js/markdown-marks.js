// Marks of Markdown around what is selected, at the beginning of lines, and pieces put in. The browser's own undo knows
// of them.

export const inserted = (field, text) => {
  field.focus()
  if (!document.execCommand("insertText", false, text)) field.setRangeText(text, field.selectionStart, field.selectionEnd, "end")
  field.dispatchEvent(new Event("input", { bubbles: true }))
}

export const marked = (field, before, after = before) => {
  const { selectionStart: start, selectionEnd: end, value } = field
  inserted(field, before + value.slice(start, end) + after)
  field.setSelectionRange(start + before.length, end + before.length)
}

export const begun = (field, mark) => {
  const { value, selectionEnd } = field
  const start = value.lastIndexOf("\n", field.selectionStart - 1) + 1
  const lines = value.slice(start, selectionEnd).split("\n").map((line) => line.startsWith(mark) ? line.slice(mark.length) : mark + line)
  field.setSelectionRange(start, selectionEnd)
  inserted(field, lines.join("\n"))
}
