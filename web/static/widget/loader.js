// Runs on somebody else's page, with `chat` as the desk gave it: a button, a frame of the desk's own, and a few words
// between the two. Nothing is kept here, nothing of the page is touched, and it needs no inline style or script.
const desk = new URL(chat.frame).origin
const script = document.currentScript
const heard = { open: [], close: [], ready: [], message: [], unread: [] }
const waiting = []
let frame, ready = false, isOpen = false, unread = 0

const LOOK = `
  :host { all: initial; position: fixed; inset-block-end: 20px; z-index: 2147483000; font: 500 15px/1.3 system-ui, sans-serif; }
  :host([data-side="right"]) { right: 20px; } :host([data-side="left"]) { left: 20px; }
  button { display: flex; align-items: center; gap: 8px; min-width: 56px; height: 56px; margin-inline-start: auto; padding: 0 16px; border: 0; border-radius: 28px; background: var(--accent); color: var(--ink); font: inherit; cursor: pointer; box-shadow: 0 2px 6px rgb(0 0 0 / .16), 0 10px 28px -8px rgb(0 0 0 / .36); transition: transform .12s; }
  button:hover { transform: translateY(-1px); }
  button:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
  svg { width: 24px; height: 24px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
  .badge { position: absolute; inset-block-start: -4px; inset-inline-end: -4px; min-width: 20px; padding: 1px 5px; box-sizing: border-box; border-radius: 10px; background: #c62828; color: #fff; font-size: 12px; font-weight: 600; text-align: center; }
  .badge:empty { display: none; }
  iframe { display: block; position: fixed; inset-block-end: 92px; width: 384px; height: min(640px, calc(100dvh - 112px)); border: 0; border-radius: 16px; background: Canvas; color-scheme: light dark; box-shadow: 0 4px 12px rgb(0 0 0 / .12), 0 24px 64px -12px rgb(0 0 0 / .4); }
  :host([data-side="right"]) iframe { right: 20px; } :host([data-side="left"]) iframe { left: 20px; }
  iframe[hidden] { display: block; visibility: hidden; pointer-events: none; opacity: 0; }
  @media (max-width: 480px) { iframe { inset: 0 !important; width: 100%; height: 100dvh; border-radius: 0; } :host([data-open]) button { visibility: hidden; } }
  @media (prefers-reduced-motion: reduce) { button { transition: none; } button:hover { transform: none; } }
  @media print { :host { display: none; } }`

const host = document.createElement("div")
host.dataset.side = chat.side
const shadow = host.attachShadow({ mode: "open" })
const sheet = new CSSStyleSheet()
sheet.replaceSync(LOOK)
shadow.adoptedStyleSheets = [sheet]
host.style.setProperty("--accent", chat.accent)
host.style.setProperty("--ink", inkOn(chat.accent))

const button = document.createElement("button")
button.type = "button"
button.setAttribute("aria-expanded", "false")
button.append(picture("M21 12a8 8 0 0 1-8 8H4l2-3a8 8 0 1 1 15-5z"))
if (chat.launcher) button.append(chat.launcher)
const badge = document.createElement("span")
badge.className = "badge"
badge.setAttribute("aria-hidden", "true")
button.append(badge)
button.addEventListener("click", () => (isOpen ? close() : open()))
shadow.append(button)
label()

function begin() {
  document.body.append(host)
  // What waits for somebody who comes back is told without being asked for; a page that wants nothing at all loaded
  // before the button is pressed says data-lazy.
  if (script?.dataset.lazy === undefined) (window.requestIdleCallback ?? setTimeout)(() => load())
}

function load() {
  if (frame) return
  frame = document.createElement("iframe")
  const at = new URL(chat.frame)
  const language = script?.dataset.lang ?? ""
  if (language) at.searchParams.set("lang", language)
  at.hash = location.origin
  frame.title = chat.title
  frame.hidden = true
  frame.tabIndex = -1
  frame.setAttribute("sandbox", "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox allow-downloads")
  frame.src = at
  frame.addEventListener("load", () => setTimeout(() => {
    if (ready) return
    console.warn(`helpdesk: the chat can't be shown here. Is ${location.origin} among the sites in its settings?`)
    host.remove() // rather than a button that opens nothing
  }, 4000))
  shadow.append(frame)
}

function open() {
  load()
  frame.hidden = false
  frame.removeAttribute("tabindex")
  host.dataset.open = ""
  isOpen = true
  label()
  tell("open")
  frame.focus()
  say("open")
}

function close() {
  if (!isOpen) return
  frame.hidden = true
  frame.tabIndex = -1
  delete host.dataset.open
  isOpen = false
  label()
  tell("close")
  button.focus()
  say("close")
}

function label() {
  const words = isOpen ? chat.close : chat.open
  button.setAttribute("aria-label", unread && !isOpen ? `${words}, ${unread} ${chat.unread}` : words)
  button.setAttribute("aria-expanded", String(isOpen))
  badge.textContent = unread && !isOpen ? String(Math.min(unread, 99)) : ""
}

function tell(kind, value = null) {
  load()
  if (!ready) return waiting.push([kind, value])
  frame.contentWindow.postMessage({ helpdesk: 1, kind, value }, desk)
}

function say(name, value) {
  for (const each of heard[name]) {
    try {
      each(value)
    } catch (error) {
      console.error(error) // the page's own mistake must not end the chat
    }
  }
}

const answers = {
  ready() {
    ready = true
    look()
    waiting.splice(0).forEach(([kind, value]) => tell(kind, value))
    say("ready")
  },
  close,
  unread(count) {
    unread = Number.isInteger(count) && count > 0 ? count : 0
    label()
    say("unread", unread)
  },
  message(value) { say("message", value) },
}

window.addEventListener("message", ({ origin, source, data }) => {
  if (!frame || origin !== desk || source !== frame.contentWindow || data?.helpdesk !== 1) return
  if (Object.hasOwn(answers, data.kind)) answers[data.kind](data.value)
})

let seen = ""
function look() {
  if (!ready || location.href === seen) return
  const referrer = seen || document.referrer
  seen = location.href
  const plain = (address) => address.split("#")[0].slice(0, 1000)
  tell("page", { url: plain(location.href), title: document.title.slice(0, 300), referrer: plain(referrer) })
}
setInterval(look, 2000) // pages that change without loading tell nobody

function inkOn(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255).map((c) => (c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4))
  return .2126 * r + .7152 * g + .0722 * b > .179 ? "#000" : "#fff"
}

function picture(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg")
  svg.setAttribute("viewBox", "0 0 24 24")
  svg.setAttribute("aria-hidden", "true")
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path")
  line.setAttribute("d", path)
  svg.append(line)
  return svg
}

const before = window.helpdesk
window.helpdesk = Object.freeze({
  open,
  close,
  identify(who) { tell("identify", typeof who === "string" ? { jwt: who } : { jwt: String(who?.jwt ?? ""), name: String(who?.name ?? ""), email: String(who?.email ?? "") }) },
  forget() { tell("forget") },
  setFields(fields) { tell("fields", JSON.parse(JSON.stringify({ ...fields }))) }, // what can't be posted is left out here
  on(name, call) { if (Object.hasOwn(heard, name)) heard[name].push(call) },
})
// What a page said before the script was there: window.helpdesk = [["identify", token], ["open"]]
for (const each of Array.isArray(before) ? before : []) {
  try {
    const [name, ...given] = each
    if (Object.hasOwn(window.helpdesk, name)) window.helpdesk[name](...given)
  } catch (error) {
    console.error(error) // the page's own mistake must not keep the chat away
  }
}
document.body ? begin() : document.addEventListener("DOMContentLoaded", begin)
