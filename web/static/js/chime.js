// Two short tones, made here: nothing is fetched. Silent, without a complaint, where the browser wants a press first.
const TONES = [[660, 0], [880, 0.14]] // Hz, seconds from now
const LASTS = 0.4
let sound

export async function chime() {
  if (!window.AudioContext || navigator.userActivation?.hasBeenActive === false) return
  sound ??= new AudioContext()
  try {
    await sound.resume()
  } catch {
    return
  }
  for (const [pitch, after] of TONES) {
    const at = sound.currentTime + after
    const tone = new OscillatorNode(sound, { frequency: pitch })
    const volume = new GainNode(sound, { gain: 0 })
    volume.gain.setValueAtTime(0.06, at)
    volume.gain.exponentialRampToValueAtTime(0.0001, at + LASTS)
    tone.connect(volume).connect(sound.destination)
    tone.start(at)
    tone.stop(at + LASTS)
  }
}
