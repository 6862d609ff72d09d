// What is typed is answered in this browser, by the modules of the saved page, and the server's trace takes its place
// when it comes. The models are fetched once a first figure stands: small ones by themselves, others when somebody writes.
import * as answers from "../page/answers.js"
import { away } from "../page/connection.js"
import { asTaken, wanted } from "../page/origin.js"
import * as sentence from "../page/sentence.js"
import { tr } from "../page/words.js"

const SMALL = 1e6 // bytes of both models that are fetched unasked
const SOON = 500 // milliseconds after the figure
const AGAIN = 30_000 // milliseconds after which models that did not come are asked for again
const VISIBLE = 0.01 // a difference that can be seen: then this browser answers no more
const UP = "../../../../" // from this file to where the app lives
const WRITES = "[data-testid=gs-sentence]"

/** @typedef {typeof import("../live/at_once.js")} AtOnce */
/** @import { Answer } from "../live/at_once.js" */
/** @import { Reading } from "../live/types.d.ts" */

export class Ahead {
  // ``root``: the figure's; ``draw`` shows what was made here; ``picked()`` says which units were picked.
  /** @param {HTMLElement} root @param {(shown: any) => void} draw @param {() => (number | null)[]} picked */
  constructor(root, draw, picked) {
    this.root = root
    this.draw = draw
    this.picked = picked
    this.key = "" // of the models that are shown
    /** @type {[begun: string, own: string][]} the sentences for which alone they are there, and what begins each enough */
    this.only = []
    /** @type {any} */
    this.offered = null
    /** @type {any} what the server has drawn, and that a figure can be made like */
    this.template = null
    /** @type {AtOnce | null} */
    this.module = null
    /** @type {Reading[] | null} */
    this.readings = null
    /** @type {Answer | null} what stands here of the newest text, if it does */
    this.newest = null
    this.fetching = ""
    this.request = new AbortController() // of what is fetched
    this.frame = 0
    /** @type {string | null} typed since the last paint */
    this.waits = null
    this.touched = (/** @type {Event} */ { target }) => {
      if (target instanceof HTMLElement && target.matches(WRITES)) this.fetch()
    }
  }

  close() {
    answers.leave(this)
    clearTimeout(this.timer)
    clearTimeout(this.resting)
    this.request.abort() // a page that is left asks for nothing more: the server no longer keeps a visitor's own model
    cancelAnimationFrame(this.frame)
    document.removeEventListener("focusin", this.touched)
  }

  // What there is to be drawn when the server has sent this; null where something newer stands here already.
  /** @param {any} content @returns {any} */
  hear(content) {
    const key = JSON.stringify(content.at_once ?? null)
    this.only = content.only ?? []
    if (key !== this.key) {
      Object.assign(this, { key, offered: content.at_once ?? null, readings: null, template: null, newest: null })
      this.root.dataset.able = "0"
      this.request.abort()
      this.request = new AbortController()
      this.fetching = ""
      if (this.offered) answers.use(this)
      else answers.leave(this)
    }
    if (!this.offered) return content
    const { data, layout } = content.figure
    const cut = layout.meta.panels.some((/** @type {any} */ { sources, empty }) => sources && empty)
    if (data.length && !cut) this.template = content
    const { newest } = this
    if (!newest) return content
    if (newest.text !== content.text) return newest.text === wanted() ? null : content
    return { ...content, quiet: this.compared(content, newest) }
  }

  // The figure is drawn: now the models may come.
  drawn() {
    if (!this.offered || this.fetching === this.key) return
    clearTimeout(this.timer)
    document.addEventListener("focusin", this.touched)
    const bytes = this.offered.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one.bytes, 0)
    if (bytes <= SMALL || document.activeElement?.matches(WRITES)) this.timer = setTimeout(() => this.fetch(), SOON)
  }

  async fetch() {
    const { key, offered, template } = this
    const { signal } = this.request
    if (!offered || this.fetching === key || !template) return
    this.fetching = key
    try {
      this.module ??= /** @type {AtOnce} */ (await import(new URL("../live/at_once.js", import.meta.url).href))
      const names = template.sides.map((/** @type {any} */ { model }) => model)
      const readings = await this.module.fetched(offered, names, new URL(UP, import.meta.url).href, signal)
      if (key !== this.key) return
      this.module.answer(template, readings, template.text, this.picked(), false) // the first time takes longest
      this.readings = readings
      this.root.dataset.able = "1"
      if (wanted() !== this.template.text) this.answer(wanted() ?? "")
    } catch {
      if (signal.aborted) return
      setTimeout(() => (this.fetching = ""), AGAIN) // until then the server answers, as it does elsewhere
    }
  }

  // Whether the models that are shown will read this text, too. Where nobody has chosen them they are there for their
  // own sentences alone: the rule of dashboard/unread.py, but for words that they do not know.
  /** @param {string} text */
  fits(text) {
    if (!this.only.length || !text.trim()) return true
    return this.only.some(([begun, own]) => text.startsWith(own) || (own.startsWith(text) && text.startsWith(begun)))
  }

  able() {
    return Boolean(this.readings && this.template)
  }

  // Draw what both models make of a text; whether that is done here. Keys that come before the next paint are read
  // together after it.
  /** @param {string} written @param {boolean} [writing] at its end */
  answer(written, writing = sentence.writing(document.querySelector(WRITES))) {
    clearTimeout(this.resting)
    if (!this.fits(written) && !away()) {
      this.newest = null // other models read it: what these would say is not shown for a moment
      return false
    }
    if (!this.module || !this.readings || !this.template) {
      this.newest = null
      this.fetch()
      return false
    }
    if (this.frame) {
      this.waits = written
      return true
    }
    try {
      this.newest = this.module.answer(this.template, this.readings, asTaken(written), this.picked(), writing)
    } catch {
      this.newest = null // what this browser cannot read it leaves to the server
    }
    if (!this.newest) return false
    this.draw(this.newest.shown)
    if (away() && this.newest.shown.unfinished)
      this.resting = setTimeout(() => this.answer(written, false), sentence.REST)
    this.frame = requestAnimationFrame(() => {
      const text = this.waits
      this.frame = 0
      this.waits = null
      if (text !== null) this.answer(text)
    })
    return true
  }

  // The quiet line of the server's trace, with how far it is from what stood here.
  /** @param {any} content @param {Answer} newest @returns {string} */
  compared(content, newest) {
    const found = this.module?.apart(content, newest) ?? null
    if (found === null) return content.quiet
    const said = { evidence: content.quiet, difference: found.toExponential(1) }
    if (found < VISIBLE) return tr("{evidence}; read in this browser first, largest difference {difference}", said)
    this.readings = this.newest = null
    this.root.dataset.able = "0"
    return tr(
      "{evidence}; this browser's own reading differed by up to {difference}, so the server alone answers from now on",
      said,
    )
  }
}
