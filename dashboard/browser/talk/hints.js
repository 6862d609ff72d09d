// What a first visitor is told, once in a browser: beside the figure, each line to be put away.
import { make } from "../page/dom.js"
import { tr } from "../page/words.js"

const KEY = "gatescope hints"
/** @type {Set<number>} */
const away = new Set()
/** @type {boolean | undefined} */
let first // whether this visit is the first one

// A phone has no keys.
const touched = () => window.matchMedia("(pointer: coarse)").matches

const hints = () => [
  tr("Type a sentence of your own in the line above."),
  ...(touched()
    ? [tr("Move the cursor by dragging over the figure.")]
    : [
        tr("Move the cursor with the arrow keys, or by dragging over the figure."),
        tr("Press P to present, ? for all keys."),
      ]),
]

// A browser that keeps nothing is not told the same at every visit: it is told nothing.
export const firstVisit = () => (first ??= asked())

function asked() {
  try {
    const known = window.localStorage.getItem(KEY)
    window.localStorage.setItem(KEY, "seen")
    return known === null
  } catch {
    return false
  }
}

/** @param {HTMLElement} figure */
export function hint(figure) {
  if (!figure.matches(".gs-plot") || figure.querySelector(".gt-hints") || figure.dataset.steps === "0") return
  if (!firstVisit() || away.size === hints().length) return
  const lines = hints().map((text, k) => (away.has(k) ? "" : line(text, k, figure)))
  figure
    .querySelector(".gs-body")
    ?.append(make("ul", { class: "gt-hints", test: "gt-hints", "aria-label": tr("For the first visit") }, ...lines))
}

// Put away, it hands the keyboard on to its neighbour, and the last one to the figure.
/** @param {string} text @param {number} k @param {HTMLElement} figure */
function line(text, k, figure) {
  const close = () => {
    away.add(k)
    const next = node.nextElementSibling ?? node.previousElementSibling
    /** @type {HTMLElement | null} */
    const stage = figure.querySelector(".gs-stage")
    ;(next?.querySelector("button") ?? stage)?.focus({ preventScroll: true })
    ;(next ? node : node.parentElement)?.remove()
  }
  const node = make(
    "li",
    {},
    make("span", { text }),
    make("button", {
      type: "button",
      class: "gt-button",
      test: "gt-hint-close",
      text: "×",
      "aria-label": tr("Put away: {hint}", { hint: text }),
      onclick: close,
    }),
  )
  return node
}
