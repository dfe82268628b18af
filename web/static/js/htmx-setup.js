// What htmx needs to know of us. Its settings stand in the page's <meta name="htmx-config">.
import htmx from "../vendor/htmx.esm.min.js"

const safe = ["GET", "HEAD", "QUERY"]

document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  if (safe.includes(ctx.request.method)) return
  ctx.request.headers["X-CSRF-Token"] = document.querySelector("meta[name=csrf]")?.content ?? ""
})

// Refusals come with their own words as a partial for the toasts; only silence has to be put into words here.
document.addEventListener("htmx:error", ({ detail: { ctx, error } }) => {
  if (ctx?.response || error?.name === "AbortError") return
  const words = document.getElementById("unreachable")
  if (words) document.getElementById("toasts")?.append(words.content.cloneNode(true))
})

// What opens over the page opens when its content has come.
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.target?.matches?.("[popover]:not(:popover-open)")) ctx.target.showPopover()
})

// What the person has opened stays open when the server sends the same part again.
htmx.registerExtension("keep-open", {
  htmx_before_morph_attr: (element, { attrName }) => !(attrName === "open" && element.matches("details")),
})

export default htmx
