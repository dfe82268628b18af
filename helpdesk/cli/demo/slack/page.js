// Keeps what is said up to date without a reload; the boxes that somebody may be writing in are left alone.

const LIVE = ["said", "thread", "form", "state"]

function toTheEnd() {
  for (const list of document.querySelectorAll(".said")) list.scrollTop = list.scrollHeight
}

async function refresh() {
  const answer = await fetch(location.href)
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html")
  for (const id of LIVE) {
    const [old, now] = [document.getElementById(id), fresh.getElementById(id)]
    if (!old || !now || old.innerHTML === now.innerHTML) continue
    if (old.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) continue
    old.replaceChildren(...now.childNodes)
  }
  toTheEnd()
  document.documentElement.dataset.version = fresh.documentElement.dataset.version
}

async function watch() {
  for (;;) {
    try {
      const since = document.documentElement.dataset.version
      const { version } = await (await fetch(`/changes?since=${since}`)).json()
      if (String(version) !== since) await refresh()
    } catch {
      await new Promise((done) => setTimeout(done, 2000))
    }
  }
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || !event.target.closest?.(".box textarea")) return
  event.preventDefault()
  event.target.form.requestSubmit()
})
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.more[open]")) {
    if (!menu.contains(event.target)) menu.open = false
  }
})
toTheEnd()
watch()
