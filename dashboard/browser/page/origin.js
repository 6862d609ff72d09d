// Whether what is shown is of what is written. Every figure has with it what it was drawn from (``of``), and whether it
// has asked for something else itself (``waits``); here that is compared with the page's own box and lists. What differs
// for longer than an answer takes is dimmed, then said, then asked for again; while the server is away it is said.
import { able } from "./answers.js"
import { away, running, watch } from "./connection.js"
import { make } from "./dom.js"
import { arrived, cursor, leave, mend } from "./url.js"
import { tr } from "./words.js"

/** @import { Chooses, Controls, Cursor, FigureElement, Origin, Settings } from "../types.d.ts" */

const [DIMMED, SAID, ASKED] = [700, 1700, 6000] // milliseconds; the second time is asked twice as late, and so on
const OFTEN = 4 // times that are asked for, before it is said that nothing comes
const ADDRESS = 300 // milliseconds: what Streamlit writes there after a run has then been written
const NAMES = /** @type {const} */ (["text", "left", "right", "layer", "direction", "show", "yours"])
const LONGEST = 100_000 // characters of a text that the server looks at, as in dashboard/state.py

/** @type {Chooses | undefined} */
let chooses // the controls in use
/** @type {Controls | undefined} */
let page // the same where there is a server
/** @type {(() => void) | undefined} */
let rerun // asks for a run of the whole page, with what it shows
let [since, asked] = [0, 0] // when it began to differ, and how often it was asked for since
/** @type {number | undefined} */
let timer
/** @type {number | undefined} */
let writing
/** @type {Origin | null | undefined} */
let newest
const line = make("p", { class: "gs-line", test: "gs-line", role: "status" })

/** @param {Chooses} controls @param {Controls} [served] the same, where there is a server */
export function use(controls, served) {
  chooses = controls
  page = served
}

// Other choices in the page's lists, by name.
/** @param {Partial<Settings>} values */
export function change(values) {
  chooses?.change(values)
}

// What was picked, which the server has to know where it has not sent it.
export function again() {
  page?.send("settings", page.settings)
}

// Another text, as if it had been typed.
/** @param {string} text */
export function type(text) {
  chooses?.pick(text)
}

// ``ask(here)`` runs the whole page; ``here`` is for a session that begins behind it.
/** @param {(here: Here) => void} ask */
export function start(ask) {
  const first = !rerun
  rerun = () => ask(here())
  if (!first) return
  document.addEventListener("gs:repaint", drawn, true) // a figure tells it to itself alone
  for (const type of ["offline", "online", "fullscreenchange"]) window.addEventListener(type, check)
  watch({ nears, returns: () => rerun?.(), changes: check, ends })
}

function nears() {
  page?.flush()
  rerun?.()
}

// What a server that was not there before needs to know to show the same.
/** @typedef {{ settings: unknown, cursor: Cursor | undefined, arrival: number }} Here */
/** @returns {Here} */
function here() {
  leave()
  return { settings: page?.written(), cursor: cursor(), arrival: arrived() }
}

// What is drawn of something new shows that answers come; not so a zoom.
/** @param {Event} event */
function drawn({ target }) {
  const { of } = /** @type {FigureElement} */ (target)
  if (of === newest) return
  newest = of
  since = 0
  ends()
}

// A run of the page may have written into the address what the server last heard of it.
function ends() {
  check()
  clearTimeout(writing)
  writing = setTimeout(write, ADDRESS)
}

function write() {
  if (!page?.root.isConnected) return
  page.address()
  mend()
}

function differs() {
  if (!page?.root.isConnected) return false
  const now = page.written()
  /** @type {FigureElement[]} */
  const figures = Array.from(document.querySelectorAll(".gs-plot, .gc, .gw"))
  return figures.some(({ of, waits }) => of && (waits || NAMES.some((name) => !same(of[name], now[name]))))
}

/** @param {unknown} one @param {unknown} other */
function same(one, other) {
  return String(one ?? "") === String(other ?? "") || (typeof other === "string" && one === asTaken(other))
}

// Whether a figure was made in this browser, and the server's own trace of it is still to come.
const unproved = () => Boolean(document.querySelector(".gs-plot[data-here='1']"))

// The text that a figure has to be of now.
export const wanted = () => page && asTaken(page.written().text ?? "")

// A text as the server takes it: not too long, and with no half of a character.
/** @type {(text: string) => string} */
export const asTaken = (text) =>
  Array.from(text)
    .slice(0, LONGEST)
    .join("")
    .replace(/\p{Surrogate}/gu, "?")

// Who is still writing waits for nothing yet.
export function touched() {
  if (performance.now() - since < DIMMED) since = 0
  check()
}

export function check() {
  clearTimeout(timer)
  const old = differs()
  if (!away() && !old && !unproved()) {
    ;[since, asked] = [0, 0]
    return show("")
  }
  since ||= performance.now()
  const waited = performance.now() - since
  if (!away() && waited >= due() && !running()) ask()
  const answered = !old && (able() || !away()) // what is written is drawn all the same
  const gone = away() || !navigator.onLine
  const what = gone ? (answered ? "alone" : "away") : answered ? "" : asked < OFTEN ? "late" : "lost"
  show(waited < SAID ? "" : what, waited >= DIMMED && !answered)
  const next = [DIMMED, SAID].find((time) => time > waited) ?? (away() ? undefined : Math.max(waited + 1000, due()))
  if (next) timer = setTimeout(check, next - waited)
}

const due = () => ASKED * 2 ** asked

// First the part of the page that has the figure; then, since a session may not know that part, all of it.
function ask() {
  asked += 1
  if (asked % 2) page?.send("settings", page.settings)
  else rerun?.()
}

const SAYS = {
  "": () => "",
  away: () =>
    tr(
      "The server cannot be reached. What you see is from before; what you type will be drawn when the server is back.",
    ),
  alone: () => tr("The server cannot be reached. What you type is read in this browser until it is back."),
  late: () => tr("What you see is from before your last change. The new figure is on its way."),
  lost: () => tr("The new figure has not come. Reload the page: its address keeps what you chose."),
}

/** @param {keyof typeof SAYS} what */
function show(what, dimmed = false) {
  document.documentElement.classList.toggle("gs-old", dimmed)
  if (!what && !line.isConnected) return
  const seen = document.fullscreenElement ?? document.body
  if (line.parentNode !== seen) seen.append(line)
  const text = SAYS[what]()
  if (line.textContent !== text) line.textContent = text
}
