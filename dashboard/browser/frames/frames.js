// Pictures in their order, small ones side by side and the chosen one large: what stands on each, and where a network
// looks. What it does not look at lies in the shade; windows are rectangles.
import { Choice } from "../page/choice.js"
import { dress, make } from "../page/dom.js"
import { hold } from "../page/hold.js"
import { clamp, perCent } from "../page/numbers.js"
import { ours } from "../page/screen.js"
import { remember } from "../page/url.js"
import { tr } from "../page/words.js"

/** @import { Row } from "../types.d.ts" */
/** A rectangle on a picture: which of ``keys``, and where, as shares of the picture's side.
 * @typedef {[key: number, x: number, y: number, width: number, height: number]} Box */
/** ``heat``: shares by cell, row by row, or none. ``said``: what to know of it.
 * @typedef {{ label: string, image: string, heat: Row | null, boxes: Box[], said: string }} Frame */
/** What dashboard/beyond/frames.py sends. ``keys``: what the rectangles are. ``film``: milliseconds a frame, 0 for none.
 * ``heard``: of which choice it knows.
 * @typedef {{ frames: Frame[], step: number, keys: [name: string, kind: string][], title: string, film: number,
 *   heard?: number | null }} Content */

const SHADE = 0.66 // of what is not looked at
const STILL = "(prefers-reduced-motion: reduce)"

export default hold(
  (parent) => new Frames(parent),
  (one, { setStateValue }) => (one.choice.tell = (told) => setStateValue("step", told)),
)

export class Frames {
  /** @type {Content | undefined} */
  content = undefined
  /** @type {Choice<number>} */
  choice = new Choice()
  step = 0
  drawn = ""
  timer = 0

  /** @param {HTMLElement} parent */
  constructor(parent) {
    dress(parent, "frames.css", import.meta.url)
    this.large = make("div", { class: "gf-large", test: "gf-large" })
    this.said = make("p", { class: "gf-said", test: "gf-said", "aria-live": "polite" })
    this.keys = make("p", { class: "gf-keys" })
    this.play = make("button", { type: "button", class: "gf-play", test: "gf-play", onclick: () => this.toggle() })
    this.strip = make("div", { class: "gf-strip", test: "gf-strip", role: "listbox" })
    const beside = make("div", { class: "gf-beside" }, this.said, this.keys, this.play, this.strip)
    this.root = make("div", { class: "gf", test: "gf", role: "group" }, this.large, beside)
    parent.append(this.root)
    /** @param {KeyboardEvent} event */
    this.onKey = (event) => this.key(event)
    document.addEventListener("keydown", this.onKey)
  }

  close() {
    this.stop()
    document.removeEventListener("keydown", this.onKey)
    this.root.remove()
  }

  /** @param {Content} content */
  take(content) {
    const drawn = JSON.stringify(
      content.frames.map(({ label, image, boxes, heat }) => [label, image, boxes, String(heat)]),
    )
    this.content = content
    this.strip.setAttribute("aria-label", content.title)
    this.keys.replaceChildren(
      ...content.keys.map(([name, kind]) => make("span", {}, make("i", { class: `gf-key gf-${kind}` }), name)),
    )
    this.play.hidden = !content.film
    if (drawn !== this.drawn) {
      this.stop()
      this.choice.forget()
      this.drawn = drawn
      this.strip.replaceChildren(...content.frames.map((frame, step) => this.small(frame, step)))
    }
    const answered = this.choice.answered(content.heard)
    if (!this.timer) this.mark(answered ? content.step : this.step)
    this.name()
    this.root.dataset.ready = "1"
  }

  /** @param {Frame} frame @param {number} step */
  small(frame, step) {
    const text = make("span", { text: frame.label })
    return make(
      "button",
      { type: "button", class: "gf-small", role: "option", tabindex: -1, onclick: () => this.choose(step) },
      picture(frame, this.content?.keys ?? []),
      text,
    )
  }

  /** @param {number} step */
  mark(step) {
    const { content } = this
    if (!content?.frames.length) return
    this.step = clamp(step, 0, content.frames.length - 1)
    const inside = this.strip.contains(document.activeElement)
    Array.from(this.strip.children).forEach((node, k) => {
      const here = k === this.step
      const small = /** @type {HTMLElement} */ (node)
      small.classList.toggle("gf-here", here)
      small.setAttribute("aria-selected", String(here))
      small.tabIndex = here ? 0 : -1
      if (here && inside) small.focus({ preventScroll: true })
    })
    const frame = content.frames[this.step]
    this.large.replaceChildren(picture(frame, content.keys, true))
    this.said.textContent = frame.said
  }

  /** @param {number} step */
  choose(step) {
    this.stop()
    const next = clamp(step, 0, (this.content?.frames.length ?? 1) - 1)
    if (next === this.step) return
    this.mark(next)
    this.tell()
  }

  tell() {
    remember({ at: this.step })
    this.choice.make(this.step)
  }

  // Play as a film, from the start if it stands at the end; the figures below follow when it stops.
  toggle() {
    if (this.timer) {
      this.stop()
      return this.tell()
    }
    const { content } = this
    if (!content) return
    if (this.step >= content.frames.length - 1) this.mark(0)
    const pace = matchMedia(STILL).matches ? Math.max(1000, content.film) : content.film
    this.timer = window.setInterval(() => {
      this.mark(this.step + 1)
      if (this.step < content.frames.length - 1) return
      this.stop()
      this.tell()
    }, pace)
    this.name()
  }

  stop() {
    clearInterval(this.timer)
    this.timer = 0
    this.name()
  }

  name() {
    this.play.textContent = this.timer ? tr("Stop") : tr("Play")
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!ours(this.root, event) || !this.content?.frames.length) return
    const last = this.content.frames.length - 1
    /** @type {Record<string, number>} */
    const steps = { ArrowLeft: this.step - 1, ArrowRight: this.step + 1, Home: 0, End: last }
    if (!Object.hasOwn(steps, event.key)) return
    event.preventDefault()
    this.choose(steps[event.key])
  }
}

const SVG = "http://www.w3.org/2000/svg"

/** @param {string} tag @param {Record<string, string | number>} props @param {Node[]} children */
function svg(tag, props, ...children) {
  const node = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(props)) node.setAttribute(name, String(value))
  node.append(...children)
  return node
}

/** @param {Frame} frame @param {Content["keys"]} keys @param {boolean} [large] */
function picture({ image, heat, boxes, label, said }, keys, large = false) {
  const parts = [svg("image", { href: image, width: 1, height: 1, style: "image-rendering: pixelated" })]
  if (heat) {
    const side = Math.sqrt(heat.length)
    const most = Math.max(...heat, 1e-9)
    heat.forEach((share, k) => {
      const place = { x: (k % side) / side, y: Math.floor(k / side) / side, width: 1 / side, height: 1 / side }
      const cell = svg("rect", { ...place, class: "gf-shade", opacity: (SHADE * (1 - share / most)).toFixed(3) })
      if (large) cell.append(svg("title", {}, document.createTextNode(perCent((100 * share).toFixed(1)))))
      parts.push(cell)
    })
  }
  for (const [key, x, y, width, height] of boxes) {
    parts.push(svg("rect", { x, y, width, height, class: `gf-box gf-${keys[key][1]}` }))
  }
  /** @type {Record<string, string>} */
  const told = large ? { role: "img", "aria-label": `${label}: ${said}` } : { "aria-hidden": "true" }
  return svg("svg", { viewBox: "0 0 1 1", ...told }, ...parts)
}
