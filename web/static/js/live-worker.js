// One stream for all tabs of a browser: HTTP/1.1 allows six connections to one origin, and a desk has many tabs.
// A page comes a moment after it was read: what was said in between is said to it once more.
import { Line } from "./live-line.js"

const MOST = 200 // words that are kept for pages that come

const ports = new Set()
let line
let run // of the desk's process
let first // number of the moment since which every word is kept
let kept = []

self.onconnect = ({ ports: [port] }) => {
  port.onmessage = ({ data }) => {
    if (data.bye) return ports.delete(port)
    ports.add(port)
    const changed = line ? missed(data.since) : begin(data)
    port.postMessage({ up: line.up, changed })
  }
}

function begin({ src, since }) {
  [run, first] = read(since)
  line = new Line(src, since, (word) => {
    if (word.up === false) first = Infinity // until the line begins anew nobody knows what is missing
    if (word.begun) [run, first, kept] = [...read(word.begun), []]
    if (word.moment) keep(word)
    ports.forEach((each) => each.postMessage(word))
  })
}

function keep({ changed, moment }) {
  const [itsRun, number] = read(moment)
  if (itsRun !== run) [run, first, kept] = [itsRun, number, []] // the page that began it was read before a restart
  kept.push({ changed, number })
  if (kept.length > MOST) first = kept.shift().number
}

function missed(since) {
  const [itsRun, number] = read(since)
  if (itsRun !== run || number < first) return ["resync"]
  return kept.filter((word) => word.number > number).flatMap(({ changed }) => changed)
}

function read(moment) {
  const [run, number] = moment.split("-")
  return [run, Number(number)]
}
