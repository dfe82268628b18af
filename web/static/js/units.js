// The server's own short words for spans of time, so that both say the same: data-units="min|h|d|wk|mo|yr".

const [minute, hour, day, week, month, year] = (document.documentElement.dataset.units ?? "min|h|d|wk|mo|yr").split("|")
const SIZES = [[31_557_600, year], [2_629_800, month], [604_800, week], [86_400, day], [3_600, hour], [60, minute]]

export function span(seconds) {
  const [size, unit] = SIZES.find(([least]) => seconds >= least) ?? SIZES.at(-1)
  return `${Math.floor(seconds / size)} ${unit}`
}

export function left(seconds) {
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  if (minutes < 60) return `${minutes} ${minute}`
  if (hours < 24) return `${hours} ${hour} ${String(minutes % 60).padStart(2, "0")}`
  return `${Math.floor(hours / 24)} ${day} ${hours % 24} ${hour}`
}
