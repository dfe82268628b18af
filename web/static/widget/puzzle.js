// The number whose SHA-256 behind a salt is the one that the desk knows. Done here and not by the browser's own
// crypto, which is there only over https; in short stretches, so that typing goes on meanwhile.
const HARDEST = 1e6
const STRETCH = 12 // ms

const fraction = (x) => ((x - Math.floor(x)) * 2 ** 32) | 0
const primes = []
for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n)
const START = Int32Array.from(primes.slice(0, 8), (p) => fraction(Math.sqrt(p)))
const ROUNDS = Int32Array.from(primes, (p) => fraction(Math.cbrt(p)))
const turned = (x, by) => (x >>> by) | (x << (32 - by))

const w = new Int32Array(64)

// FIPS 180-4, of text that is all ASCII: eight numbers.
export function sha256(text) {
  const length = text.length
  const words = new Int32Array(((length + 72) >> 6) * 16)
  for (let i = 0; i < length; i++) words[i >> 2] |= text.charCodeAt(i) << (24 - 8 * (i & 3))
  words[length >> 2] |= 0x80 << (24 - 8 * (length & 3))
  words[words.length - 1] = length * 8
  const state = START.slice()
  for (let at = 0; at < words.length; at += 16) {
    let a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7]
    for (let i = 0; i < 64; i++) {
      if (i < 16) w[i] = words[at + i]
      else {
        const x = w[i - 15], y = w[i - 2]
        w[i] = w[i - 16] + w[i - 7] + (turned(x, 7) ^ turned(x, 18) ^ (x >>> 3)) + (turned(y, 17) ^ turned(y, 19) ^ (y >>> 10))
      }
      const one = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + ROUNDS[i] + w[i]) | 0
      const two = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))
      h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0
    }
    state[0] += a; state[1] += b; state[2] += c; state[3] += d; state[4] += e; state[5] += f; state[6] += g; state[7] += h
  }
  return state
}

// What the desk takes for it, or nothing where there is no such number.
export async function solve({ algorithm, challenge, maxNumber, salt, signature }) {
  const most = Math.min(maxNumber, HARDEST)
  const wanted = Int32Array.from(challenge.match(/.{8}/g), (each) => parseInt(each, 16))
  for (let number = 0; number <= most; ) {
    for (const until = performance.now() + STRETCH; number <= most && performance.now() < until; number++) {
      const found = sha256(salt + number)
      if (found[0] === wanted[0] && found.every((each, i) => each === wanted[i])) return { algorithm, challenge, salt, signature, number }
    }
    await new Promise((go) => setTimeout(go))
  }
}
