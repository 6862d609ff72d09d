// A stop of a tour rings what its line speaks of, and presses what it asks for. The vocabulary is that of dashboard/tours.py.
import { make } from "../page/dom.js"
import { arrived } from "../page/url.js"

const BEAT = 200 // milliseconds: what is ringed may move, be drawn anew, or not be there yet
const SETTLED = 3 // beats for which a thing has stood before it is pressed: a page that is left is there for a moment
const PATIENCE = 25 // beats for which the page is scrolled to what is ringed; then it is the visitor's
const AROUND = 4 // pixels
const LINE = 24 // pixels of a line among others

/** @import { FigureElement, Rows } from "../types.d.ts" */
/** @import { Ringed, Stop } from "./types.d.ts" */

/** An element, the rows of a figure that are no elements of their own, or from the top of one element to another's foot.
 * @typedef {Element | Rows | { from: Element, to: Element }} Thing */

// What is seen of a selection; with ``hidden``, what is not seen behind it.
/** @type {(root: ParentNode, selector: string, hidden?: boolean) => HTMLElement[]} */
const within = (root, selector, hidden = false) => {
  const nodes = /** @type {HTMLElement[]} */ (Array.from(root.querySelectorAll(selector)))
  const seen = nodes.filter((node) => node.getClientRects().length)
  return hidden ? [...seen, ...nodes.filter((node) => !seen.includes(node))] : seen
}
/** @type {(selector: string) => HTMLElement[]} */
const all = (selector) => within(document, selector)
/** @type {(k: number, side: string | undefined) => boolean} */
const onSide = (k, side) => side === undefined || k === ["left", "right"].indexOf(side)
/** @type {(name: string) => string} */
const quoted = (name) => CSS.escape(name)

// Elements, or places on the figure's stage, by kind.
/** @type {Record<string, (name: string, side: string) => Thing[]>} */
const FINDS = {
  row: (name, side) =>
    all(".gs-plot")
      .flatMap((root) => /** @type {FigureElement} */ (root).rowsNamed?.(name) ?? [])
      .filter((row) => onSide(row.side, side)),
  word: (text) =>
    text
      ? first(all(".gs-word, .gw-word, .gc-word").filter((node) => node.textContent === text))
      : all(".gs-word.gs-here, .gw-word.gw-here, .gc-word.gc-here"),
  gate: (name, side) =>
    all(".gw-column")
      .filter((_, k) => onSide(k, side))
      .flatMap((column) => [
        ...first(within(column, `.gw-node[data-signal="${quoted(name)}"]`)),
        ...within(column, `.gw-stage [data-signal="${quoted(name)}"]`).map(inNumbers),
      ]),
  stage: (number) => all(".gw-tab").slice(Number(number) - 1, Number(number)),
  panel: (id) => all(`[data-testid="gc-${quoted(id)}"], [data-panel="${quoted(id)}"]`),
  button: (name) => {
    const named = ["gs", "gw", "gt"].map((one) => `[data-testid="${one}-${quoted(name)}"]`).join()
    return first(within(document, `${named}, .st-key-${quoted(name)} button`, true)) // a talk hides some, and presses them
  },
  fold: (name) => all(`details[data-testid^="gw-${quoted(name)}"]`),
  next: () => [
    ...all("[data-testid^=gs-next-]")
      .map((side) => side.querySelector(".gs-bar:not([hidden])"))
      .filter((bar) => bar !== null),
    ...all("[data-testid=gw-expects]"),
  ],
  headline: () => all(".gs-caption"),
  sentence: () => all("[data-testid=gs-sentence]"),
}
/** @type {(found: HTMLElement[]) => HTMLElement[]} */
const first = (found) => found.slice(0, 1)

// The words among what is ringed are seen, however many there are.
/** @param {string[]} things */
function speakOf(things) {
  const words = things.filter((thing) => thing.startsWith("word ")).map((thing) => thing.split(" ")[1])
  for (const root of all(".gs-plot")) /** @type {FigureElement} */ (root).speakOf?.(words)
}

/** @param {Stop} stop */
export function onItsPage(stop) {
  const last = window.location.pathname.split("/").at(-1)
  const fresh = arrived() === stop.arrival || !document.querySelector(".gs-plot, .gw, .gc, .gs-controls") // else none of our own tells
  return (last === stop.page || (last === "" && stop.first)) && fresh
}

// Of a signal's equation what stands above the reasons for its value.
/** @type {(box: Element) => Thing} */
const inNumbers = (box) => ({ from: box, to: box.querySelector(".gw-bar") ?? box })

/** @type {(thing: string) => Thing[]} */
const find = (thing) => {
  const [kind, name, side] = thing.split(" ")
  return FINDS[kind]?.(name, side) ?? []
}

// Where a thing stands in the window; a row of the figure is no element of its own.
/** @param {Thing} thing */
function rect(thing) {
  if ("from" in thing) {
    const [a, b] = [thing.from, thing.to].map((node) => node.getBoundingClientRect())
    return new DOMRect(a.left, a.top, Math.max(a.width, b.width), b.bottom - a.top)
  }
  if (thing instanceof Element) return thing.getBoundingClientRect()
  const { left, top, width } = thing.stage.getBoundingClientRect()
  const scale = width / thing.stage.offsetWidth
  return new DOMRect(
    left + scale * thing.box.x,
    top + scale * thing.box.y,
    scale * thing.box.width,
    scale * thing.box.height,
  )
}

/** @type {(selector: string) => number} */
const heightOf = (selector) => {
  /** @type {HTMLElement | null} */
  const node = document.querySelector(selector)
  return node?.offsetHeight ?? 0
}

// ``there(stop)``: whether the page stands that a stop is on.
/** @template {Ringed} [Shown=Stop] */
export class Ring {
  /** @type {Shown | null} */
  stop = null
  /** @type {string | null | undefined} */
  key = undefined
  beats = 0
  /** @type {string[]} */
  waiting = [] // what is still to be pressed
  stood = 0 // beats, of what is pressed next
  /** @type {Thing | undefined} */
  last = undefined
  /** @type {number | undefined} */
  timer = undefined
  /** @type {HTMLElement[]} */
  nodes = []

  /** @param {(stop: Shown) => boolean} there */
  constructor(there) {
    this.there = there
    this.root = make("div", { class: "gt-rings", "aria-hidden": "true" })
  }

  // What this stop rings and presses; nothing ends it. A stop that is shown again is not pressed again.
  /** @param {Shown | null} stop */
  show(stop) {
    const key = stop && `${stop.link} ${stop.at}`
    if (key === this.key) return
    this.key = key
    this.stop = stop
    clearInterval(this.timer)
    speakOf([])
    this.beats = 0
    this.stood = 0
    this.waiting = [...(stop?.press ?? [])]
    if (stop && (stop.ring.length || stop.press.length)) this.timer = setInterval(() => this.beat(), BEAT)
    this.draw([])
  }

  close() {
    clearInterval(this.timer)
    this.root.remove()
  }

  beat() {
    if (!this.stop || !this.there(this.stop)) return this.draw([])
    this.beats += 1
    if (this.waiting.length) this.press()
    speakOf(this.stop.ring)
    const rects = this.stop.ring
      .flatMap(find)
      .map(rect)
      .filter(({ width, height }) => width && height)
    if (rects.length && this.beats < PATIENCE && this.reveal(rects)) return
    this.draw(rects)
  }

  press() {
    const [thing] = find(this.waiting[0])
    this.stood = thing && thing === this.last ? this.stood + 1 : 0
    this.last = thing
    if (!thing || this.stood < SETTLED) return
    this.waiting.shift()
    this.stood = 0
    if (thing instanceof HTMLDetailsElement) thing.open = true
    else if (thing instanceof HTMLElement) thing.click()
  }

  // Scroll to what is ringed, or to the first of it where it is larger than the window; whether there was anything to do.
  /** @param {DOMRect[]} rects */
  reveal(rects) {
    /** @type {HTMLElement | null} */
    const own = document.querySelector(".stMain")
    const main = own ?? document.documentElement
    const [high, low] = [
      (own?.getBoundingClientRect().top ?? 0) + heightOf(".stAppHeader") + 2 * AROUND,
      window.innerHeight - heightOf(".gt-bar") - 3 * AROUND,
    ]
    const [top, bottom] = [Math.min(...rects.map((one) => one.top)), Math.max(...rects.map((one) => one.bottom))]
    const [from, to] =
      bottom - top <= low - high ? [top, bottom] : [rects[0].top, Math.min(rects[0].bottom, rects[0].top + low - high)]
    const by = to > low ? to - low : from < high ? from - high : 0
    if (Math.abs(by) < 2) return false
    const before = main.scrollTop
    main.scrollTop += by / (main.getBoundingClientRect().width / main.offsetWidth || 1)
    return main.scrollTop !== before
  }

  /** @param {DOMRect[]} rects */
  draw(rects) {
    while (this.nodes.length < rects.length)
      this.root.append((this.nodes[this.nodes.length] = make("div", { class: "gt-ring" })))
    this.nodes.forEach((node, k) => {
      node.hidden = !rects[k]
      if (!rects[k]) return
      const { left, top, width, height } = rects[k]
      const above = height < LINE ? 1 : AROUND // what stands close above and below stays legible
      Object.assign(node.style, {
        left: `${left - AROUND}px`,
        top: `${top - above}px`,
        width: `${width + 2 * AROUND}px`,
        height: `${height + 2 * above}px`,
      })
    })
  }
}
