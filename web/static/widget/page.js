// What every part of the frame needs: the chat's settings, its words, elements, and a voice for screen readers.
export const given = JSON.parse(document.getElementById("given").textContent)
export const words = given.words

const LINES = {
  close: "M18 6 6 18M6 6l12 12",
  back: "m15 18-6-6 6-6",
  send: "m22 2-7 20-4-9-9-4zM22 2 11 13",
  clip: "m21.4 11-9.2 9.2a6 6 0 0 1-8.5-8.5l9.2-9.2a4 4 0 0 1 5.7 5.7l-9.2 9.2a2 2 0 0 1-2.9-2.9l8.5-8.4",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  search: "m21 21-4.3-4.3M19 11a8 8 0 1 1-16 0 8 8 0 0 1 16 0z",
  file: "M14 2H6a2 2 0 0 0-2 2v16a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V8zM14 2v6h6",
  smile: "M8 14s1.5 2 4 2 4-2 4-2M9 9h.01M15 9h.01M22 12a10 10 0 1 1-20 0 10 10 0 0 1 20 0z",
}

// el("button", { class: "quiet", onclick: f, "aria-label": "Close" }, icon("close")): text stays text.
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value)
    else if (value === true) made.setAttribute(key, "")
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value)
  }
  made.append(...children.filter((each) => each !== null && each !== undefined && each !== ""))
  return made
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg")
  svg.setAttribute("viewBox", "0 0 24 24")
  svg.setAttribute("aria-hidden", "true")
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path")
  line.setAttribute("d", LINES[name])
  svg.append(line)
  return svg
}

export const pictured = (name, label, onclick, more = {}) =>
  el("button", { type: "button", class: "quiet", "aria-label": label, title: label, onclick, ...more }, icon(name))

// Said once, by a region that is always there: one that is put in with its words is not read out.
const voice = el("p", { class: "unseen", role: "status", "aria-live": "polite" })
export function say(text) {
  voice.textContent = ""
  setTimeout(() => { voice.textContent = text }, 50)
}
export const spoken = () => voice

export const clock = (at) => new Intl.DateTimeFormat(given.language, { hour: "numeric", minute: "2-digit" }).format(new Date(at))
export const day = (at) => new Intl.DateTimeFormat(given.language, { weekday: "long", day: "numeric", month: "long" }).format(new Date(at))

export function paint() {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(given.accent.slice(at, at + 2), 16) / 255).map((c) => (c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4))
  const dark = .2126 * r + .7152 * g + .0722 * b > .179
  document.documentElement.style.setProperty("--accent", given.accent)
  document.documentElement.style.setProperty("--accent-ink", dark ? "#000" : "#fff")
}
