// The page behind a link of a survey: what was chosen in the mail is sent as soon as somebody looks at the page.
// Going back leads to the answer, not here: else it would be sent a second time over one that was changed since.

const form = document.querySelector("form[data-at-once]")

function send() {
  if (document.visibilityState !== "visible" || document.prerendering) return
  document.removeEventListener("visibilitychange", send)
  document.removeEventListener("prerenderingchange", send)
  history.replaceState(null, "", form.dataset.atOnce)
  form.requestSubmit()
}

if (form) {
  document.addEventListener("visibilitychange", send)
  document.addEventListener("prerenderingchange", send)
  send()
}
