// The frame itself: what is shown when, and the few words that it exchanges with the page around it.
import { Desk, kept, Refused } from "./desk.js"
import { Composer, fitting, introduction, rating } from "./forms.js"
import { Home } from "./home.js"
import { Line } from "./line.js"
import { Outbox } from "./outbox.js"
import { proof } from "./proving.js"
import { clock, day, el, given, paint, pictured, say, spoken, words } from "./page.js"
import { Thread } from "./thread.js"

const SITE = location.hash.slice(1) // which page this is in; the desk's own policy has the browser check it
const alone = window.parent === window

class Frame {
  #desk = new Desk()
  #line = new Line(this.#desk, (kind, data) => this.#hear(kind, data))
  #outbox = new Outbox(this.#desk, { changed: () => this.#draw(), refused: (message) => this.#refused(message), arrived: (answer) => this.#arrived(answer), anew: () => this.#anew() })
  #thread = new Thread(this.#desk)
  #home = new Home(this.#desk, (pane) => this.#cover(pane))
  #composer = new Composer((message) => this.#send(message), () => this.#write())
  #me = {}
  #fields = {}
  #conversations = []
  #shown = 0 // the number of the one that is before their eyes
  #read = 0
  #noted = 0 // how far the desk knows of it
  #told = 0
  #later
  #open = alone
  #rated = kept.get("rated") ?? ""
  #hours = el("p", { class: "small hours" })
  #offline = el("p", { class: "notice", role: "status", hidden: true }, words.offline)
  #ended = el("div", { class: "ended" })
  #waits = el("p", { class: "small waits", role: "status", dir: "auto" })
  #person = el("button", { type: "button", class: "plain person", hidden: true, onclick: () => this.#wantPerson() }, words.person)
  #pane = el("main", { tabindex: "-1" })
  #menu = el("div", { class: "menu", id: "menu", popover: "auto" })

  begin() {
    paint()
    document.body.append(this.#head(), this.#offline, this.#pane, this.#person, this.#composer.element, spoken())
    this.#cover(null)
    document.addEventListener("keydown", (event) => event.key === "Escape" && !event.defaultPrevented && !document.querySelector(":popover-open") && tell("close"))
    document.addEventListener("visibilitychange", () => this.#see())
    kept.changed("token", () => this.#desk.isVouched || (this.#desk.token ? this.#load() : this.#anew()))
    kept.changed("rated", () => this.#judged(kept.get("rated") ?? ""))
    if (this.#desk.token) this.#load()
    else {
      this.#draw()
      this.#outbox.send() // what somebody wrote before, without ever having reached the desk
    }
    if (!alone) window.addEventListener("message", (event) => this.#obey(event))
    tell("ready")
  }

  #head() {
    return el("header", {},
      given.logo ? el("img", { src: given.logo, alt: "", width: 32, height: 32 }) : null,
      el("div", { class: "title" }, el("h1", { dir: "auto" }, given.title), this.#hours),
      pictured("more", words.menu, () => this.#fill(), { popovertarget: "menu" }), this.#menu,
      alone ? null : pictured("close", words.close, () => tell("close")))
  }

  // What the page around says. Anything else, and anybody else, is not heard.
  #obey({ origin, source, data }) {
    if (source !== window.parent || origin !== SITE || data?.helpdesk !== 1) return
    const does = { open: () => this.#opened(), close: () => { this.#open = false }, identify: (who) => this.#identify(who), forget: () => this.#forget(), fields: (fields) => this.#know(fields ?? {}), page: (page) => this.#visit(page), preview: (look) => this.#preview(look) }
    if (Object.hasOwn(does, data.kind)) does[data.kind](data.value)
  }

  // The settings' own page shows what is typed there, before it is saved; no other page may.
  #preview({ accent, title, greeting, reply }) {
    if (SITE !== location.origin) return
    given.accent = accent
    paint()
    document.querySelector("h1").textContent = title
    this.#home.greet(greeting, reply)
  }

  #know(fields) {
    this.#fields = fitting(fields)
    this.#composer.asked?.know(this.#fields)
  }

  #opened() {
    this.#open = true
    this.#composer.text.focus()
    this.#thread.toEnd()
    this.#see()
  }

  async #identify(who) {
    if (!who?.jwt) {
      this.#me = { ...this.#me, name: who?.name?.slice(0, 200) || this.#me.name, email: who?.email || this.#me.email }
      this.#composer.ask(null)
      return this.#draw()
    }
    try {
      if (await this.#desk.identify(who.jwt)) {
        this.#outbox.clear()
        await this.#load()
      }
    } catch (error) {
      console.warn("helpdesk:", error.message) // for whoever builds the site
    }
  }

  #page
  async #visit(page) {
    this.#page = this.#desk.page = page
    if (this.#desk.token && page) await this.#desk.ask("/visitors/me/pages", { method: "POST", body: page }).catch(() => {})
  }

  async #load() {
    let state
    try {
      state = await this.#desk.ask("/state")
    } catch (error) {
      if (error instanceof Refused && error.status === 401) return this.#anew()
      clearTimeout(this.#later) // one at a time, however often somebody looks meanwhile
      this.#later = setTimeout(() => this.#load(), 5000)
      return this.#draw()
    }
    clearTimeout(this.#later)
    this.#me = state.me
    this.#read = this.#noted = state.read
    this.#conversations = state.conversations
    this.#shown = this.#conversations[0]?.number ?? 0
    this.#thread.clear()
    state.messages.forEach((each) => this.#add(each))
    this.#line.reached = state.reached
    this.#line.start()
    this.#tellHours(state.hours)
    this.#draw()
    this.#thread.toEnd()
    this.#outbox.send()
    this.#see()
  }

  #hear(kind, data) {
    if (kind === "up") {
      this.#offline.hidden = true
      this.#outbox.send()
      this.#see()
    } else if (kind === "down") setTimeout(() => { this.#offline.hidden = navigator.onLine && !this.#outbox.all.some((each) => each.failed) }, 1500)
    else if (kind === "look") this.#load()
    else if (kind === "gone") this.#anew()
    else if (kind === "typing") this.#thread.typing(this.#thread.last?.from === "agent" ? this.#thread.last.name : given.title)
    else if (kind === "conversations") this.#stand(data)
    else if (kind === "message") this.#news(data)
  }

  #stand(conversations) {
    const words = Object.fromEntries(this.#conversations.map((each) => [each.number, each.preview]))
    const helped = this.#current?.assistant
    this.#conversations = conversations.map((each) => ({ ...each, preview: words[each.number] ?? "" }))
    const handed = helped && this.#current && !this.#current.assistant // then who is there is asked anew
    if (handed || (conversations.length && conversations[0].number !== this.#shown)) this.#load() // another one was opened again
    else this.#draw()
  }

  #news(message) {
    if (message.conversation > Math.max(0, ...this.#conversations.map((each) => each.number))) {
      if (message.conversation !== this.#shown) this.#thread.clear()
      this.#shown = message.conversation
    }
    if (message.conversation !== this.#shown) { // a colleague answers one of before: it is the one that goes on
      this.#tellOf(message)
      return this.#load()
    }
    const isNew = this.#add(message)
    this.#draw()
    if (!isNew || message.from === "me") return
    this.#tellOf(message)
    this.#see()
  }

  #tellOf(message) {
    if (message.from === "me") return
    const who = message.name || words.assistant
    say(`${words.news.replace("{name}", who)}: ${message.text}`)
    tell("message", { from: message.from, name: message.name, text: message.text })
    if (!this.#open || document.hidden) beep()
  }

  #add(message) {
    if (message.client_id) this.#outbox.done(message.client_id)
    return this.#thread.add(message)
  }

  #send(message) {
    if (!this.#current && this.#conversations.length) this.#thread.clear()
    this.#cover(null)
    this.#outbox.add({ ...message, site: this.#fields })
    this.#thread.toEnd()
  }

  // It stays where it is only while something else is being written.
  #refused(message) {
    if (!this.#composer.isEmpty) return
    this.#me = { ...this.#me, name: message.name ?? this.#me.name, email: message.email ?? this.#me.email }
    this.#outbox.done(message.id)
    this.#composer.takeBack(message, message.refused)
  }

  #arrived() {
    // The first message makes somebody known: from now on there is a line.
    if (!this.#line.reached && !this.#conversations.length) this.#load().then(() => this.#page && this.#visit(this.#page))
  }

  #write() {
    if (this.#desk.token && this.#current) this.#desk.ask("/visitors/me/typing", { method: "POST" }).catch(() => {})
  }

  #wantPerson() {
    this.#send({ text: words.wants, files: [] })
    this.#person.hidden = true
    this.#composer.text.focus()
  }

  #anew() {
    this.#line.stop()
    this.#desk.forget()
    this.#outbox.all.forEach((each) => { each.there = false })
    this.#conversations = []
    this.#shown = 0
    this.#me = {}
    this.#thread.clear()
    this.#line.reached = 0
    this.#draw()
    this.#outbox.send()
  }

  async #forget() {
    this.#outbox.clear()
    await this.#desk.leave()
    this.#anew()
    this.#cover(null)
  }

  get #current() { return this.#conversations[0]?.open ? this.#conversations[0] : null }

  #draw() {
    const newest = this.#conversations[0]
    const talks = newest || this.#outbox.all.length
    this.#home.element.hidden = Boolean(talks)
    this.#thread.element.hidden = !talks
    this.#thread.show(this.#outbox.all)
    this.#person.hidden = !this.#current?.assistant
    this.#composer.text.placeholder = newest && !newest.open ? words.again : words.write
    const first = !this.#current && !this.#outbox.all.length && !this.#me.vouched
    if (!first) this.#composer.ask(null)
    else if (!this.#composer.asked) this.#composer.ask(introduction(this.#me, this.#fields))
    this.#composer.element.hidden = !given.anonymous && !this.#desk.isVouched
    const waits = this.#current && !this.#current.assistant && this.#thread.last?.from !== "agent"
    const when = !waits ? "" : this.#hours.classList.contains("away") ? this.#hours.textContent : given.reply
    if (this.#waits.textContent !== when) this.#waits.textContent = when // when a person can be expected
    this.#over(newest)
    const count = this.#thread.unread(this.#read)
    if (count !== this.#told) tell("unread", (this.#told = count))
  }

  #over(newest) {
    const name = newest && !newest.open && !this.#outbox.all.length ? String(newest.number) : ""
    if (this.#ended.dataset.of === name) return
    this.#ended.dataset.of = name
    this.#ended.replaceChildren()
    if (!name) return
    this.#ended.append(el("p", { class: "small" }, words.ended))
    if (!given.rating || this.#rated === name) return
    this.#ended.append(rating(async (score, comment) => {
      await this.#desk.ask(`/conversations/${name}/rating`, { method: "POST", body: { score, comment } })
      kept.set("rated", (this.#rated = name))
    }))
    this.#thread.toEnd()
  }

  // In another tab: it is not asked again.
  #judged(name) {
    this.#rated = name
    delete this.#ended.dataset.of
    this.#draw()
  }

  // In the place of everything: an article, or an earlier conversation.
  #cover(pane) {
    const within = this.#pane.contains(document.activeElement)
    this.#pane.replaceChildren(...(pane ? [pane] : [this.#home.element, this.#thread.element, this.#waits, this.#ended]))
    if (!pane && !given.anonymous && !this.#desk.isVouched) this.#pane.append(el("p", { class: "notice" }, words.signed))
    this.#pane.scrollTop = 0
    if (within) this.#pane.focus() // what was pressed is gone
    if (!pane) this.#thread.toEnd()
  }

  #fill() {
    const entry = (label, act) => el("button", { type: "button", onclick: () => { this.#menu.hidePopover(); this.#try(act) } }, label)
    const older = this.#conversations.slice(this.#current ? 1 : 0)
    const quiet = kept.get("quiet") === "yes"
    this.#menu.replaceChildren(
      older.length ? entry(words.previous, () => this.#home.previous(older, (number) => this.#try(() => this.#earlier(number)))) : "",
      this.#conversations.length && this.#me.copies ? entry(words.transcript, () => this.#transcript()) : "",
      this.#mayProve ? entry(words.prove, () => this.#prove()) : "",
      this.#current ? entry(words.end, () => this.#end()) : "",
      !given.sound ? "" : el("label", {}, el("input", { type: "checkbox", checked: !quiet, onchange: (event) => kept.set("quiet", event.target.checked ? null : "yes") }), words.sound),
      this.#desk.token ? entry(words.leave, () => this.#forget()) : "")
  }

  // What was pressed and did not work is said.
  async #try(act) {
    this.#composer.tell("")
    try {
      await act()
    } catch (error) {
      this.#composer.tell((error instanceof Refused && error.message) || words.offline)
    }
  }

  async #earlier(number) {
    const found = await this.#desk.ask(`/conversations/${number}`)
    const thread = new Thread(this.#desk)
    found.messages.forEach((each) => thread.add(each))
    thread.show([])
    this.#home.earlier(thread.element, found.at)
  }

  async #transcript() {
    const { address } = await this.#desk.ask(`/conversations/${this.#conversations[0].number}/transcript`, { method: "POST", body: {} })
    const told = words.mailed.replace("{address}", address)
    this.#composer.tell("")
    this.#ended.append(el("p", { class: "small" }, told))
    say(told)
  }

  // Not while something is on its way: it would arrive as somebody else's.
  get #mayProve() { return given.proves && given.anonymous && !this.#me.vouched && !this.#desk.isVouched && !this.#outbox.all.some((each) => !each.there && !each.refused) }

  async #prove() {
    const ask = async (email) => {
      if (!this.#desk.token) await this.#desk.arrive()
      return this.#desk.ask("/visitors/me/code", { method: "POST", body: { email } })
    }
    this.#home.proving(proof(this.#me.email ?? "", ask, async (code) => {
      await this.#desk.prove(code)
      this.#line.stop()
      this.#cover(null)
      await this.#load()
      say(words.proved)
      this.#composer.text.focus()
    }))
  }

  async #end() {
    await this.#desk.ask(`/conversations/${this.#current.number}/end`, { method: "POST", body: {} })
  }

  // What is before somebody's eyes has been read.
  #see() {
    if (!this.#open || document.hidden || this.#thread.newest <= this.#noted) return
    const upto = (this.#read = this.#thread.newest)
    this.#draw()
    if (!this.#desk.token) return
    const note = () => { this.#noted = Math.max(this.#noted, upto) }
    this.#desk.ask("/visitors/me/reading", { method: "POST", body: { upto } }).then(note, () => {}) // else with the next one
  }

  #tellHours(hours) {
    if (hours.open === undefined) return
    const next = hours.next ? words.back_at.replace("{when}", `${day(hours.next)}, ${clock(hours.next)}`) : ""
    this.#hours.textContent = hours.open ? words.online : [hours.words || words.away, next].filter(Boolean).join(" · ")
    this.#hours.classList.toggle("away", !hours.open)
  }
}

function tell(kind, value = null) {
  if (!alone && SITE) window.parent.postMessage({ helpdesk: 1, kind, value }, SITE)
}

let sound
function beep() {
  if (!given.sound || kept.get("quiet") === "yes" || !navigator.userActivation?.hasBeenActive || !window.AudioContext) return
  sound ??= new AudioContext()
  sound.resume().catch(() => {}) // where the browser says no there is no sound, and no complaint
  const tone = sound.createOscillator()
  const volume = sound.createGain()
  tone.frequency.value = 660
  volume.gain.setValueAtTime(.06, sound.currentTime)
  volume.gain.exponentialRampToValueAtTime(.0001, sound.currentTime + .35)
  tone.connect(volume).connect(sound.destination)
  tone.start()
  tone.stop(sound.currentTime + .35)
}

new Frame().begin()
