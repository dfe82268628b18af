// What htmx needs to know of us. Its settings stand in the page's <meta name="htmx-config">.
import htmx from "../vendor/htmx.esm.min.js"

const safe = ["GET", "HEAD", "QUERY"]
const byItself = "[data-live], .thinking"

document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  // Nobody is taken to the sign-in page in the middle of a word because the page asked for something.
  if (ctx.sourceElement?.matches?.(byItself)) ctx.request.headers["X-By-Itself"] = "1"
  if (safe.includes(ctx.request.method)) return
  ctx.request.headers["X-CSRF-Token"] = document.querySelector("meta[name=csrf]")?.content ?? ""
})

// Refusals come with their own words as a partial for the toasts; only silence has to be put into words here.
// What the page asks for by itself fails silently: the live line tells of that once, and asks again.
document.addEventListener("htmx:error", ({ detail: { ctx, error } }) => {
  if (ctx?.response || error?.name === "AbortError" || ctx?.sourceElement?.matches?.(byItself)) return
  const words = document.getElementById("unreachable")
  if (words) document.getElementById("toasts")?.replaceChildren(words.content.cloneNode(true))
})

// What opens over the page opens when its content has come; what it asks already is overwritten by typing. When it
// closes, whoever opened it is where they were; when what it asked for was done, it closes by itself.
let asked
document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  if (ctx.target?.matches?.("[popover]:not(:popover-open)")) asked = document.activeElement
})
document.addEventListener("toggle", ({ target, newState }) => {
  if (newState === "closed" && target.matches(".beside") && document.activeElement === document.body) asked?.focus()
}, { capture: true })
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  const over = ctx.sourceElement?.closest?.(".beside:popover-open")
  if (over && ctx.target?.id === "work") over.hidePopover()
})
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (!ctx.target?.matches?.("[popover]:not(:popover-open)")) return
  ctx.target.showPopover()
  ctx.target.querySelector("input[autofocus]")?.select()
})

// When the server sends the same part again, what the person has opened stays open; and who is writing has still
// read only what was there before: a reply that crosses another one is held back and shows it. What was held back stays
// as it is until it is sent or thrown away, and nobody's words are taken out of their hands.
htmx.registerExtension("keep-open", {
  htmx_before_morph_node: (_, { oldNode, newNode }) => !isHeldBack(oldNode, newNode) && !keepsWords(oldNode, newNode),
  htmx_before_morph_attr: (element, { attrName }) =>
    !(attrName === "open" && element.matches("details")) && !(attrName === "hx-morph-skip-children" && element.matches(":popover-open .options")) && !(attrName === "value" && element.name === "seen" && isWriting(element.form)),
})

const isWriting = (form) => Boolean(form?.elements.body?.value.trim())

function isHeldBack(node, fresh) {
  if (node.id !== "composer" || !node.querySelector(".changed")) return false
  const [form, same] = [node, fresh].map((each) => each.querySelector(".as-reply"))
  return form?.getAttribute("action") === same?.getAttribute("action") && isWriting(form)
}

// Words that came with the page count as typed from now on; those that come back from the desk stand before them.
function keepsWords(field, fresh) {
  if (!field.matches?.("textarea[data-mode]") || !field.value.trim()) return false
  const brought = fresh.value.trim() && !field.value.includes(fresh.value) ? [fresh.value] : []
  field.value = [...brought, field.value].join("\n\n")
  return true
}

export default htmx
