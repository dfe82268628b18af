// One stream for all tabs of a browser: HTTP/1.1 allows six connections to one origin, and a desk has many tabs.
import { Line } from "./live-line.js"

const ports = new Set()
let line

self.onconnect = ({ ports: [port] }) => {
  ports.add(port)
  port.onmessage = ({ data }) => {
    if (data.bye) return ports.delete(port)
    line ??= new Line(data.src, (word) => ports.forEach((each) => each.postMessage(word)))
    port.postMessage({ up: line.up })
  }
}
