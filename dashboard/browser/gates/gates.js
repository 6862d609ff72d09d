// One figure for the whole grid. The server sends it when text or models change; cursor, unit, order and zoom live here.
import { After } from "../page/after.js"
import { stepCount, toSide } from "../page/align.js"
import { load, make } from "../page/dom.js"
import { hold } from "../page/hold.js"
import { clamp } from "../page/numbers.js"
import { again } from "../page/origin.js"
import * as screen from "../page/screen.js"
import { kept, remember } from "../page/url.js"
import { tr } from "../page/words.js"
import { Ahead } from "./ahead.js"
import { follow, narrate } from "./cursor.js"
import { drawing } from "./drawing.js"
import { elements } from "./elements.js"
import { download, keep } from "./export.js"
import { decorate } from "./over.js"
import { measure, place } from "./place.js"
import { listen } from "./pointer.js"
import { Rows } from "./rows.js"
import { play, whole } from "./saving.js"

/** @import { Chosen, Component } from "../types.d.ts" */
/** @import { Column } from "./column.js" */
/** @import { Drawn } from "./place.js" */
/** @import { Parts } from "./readout.js" */
/** @import { Content, Panel, Placed, RowName, Side } from "./types.d.ts" */

const BEAT = 450 // milliseconds a step while playing
const STATIC = { staticPlot: true, displayModeBar: false, showSendToCloud: false }
const SOON = 50 // milliseconds, in a browser that does not say when it is idle

export default hold(
  (parent, plotlyUrl) => new Figure(parent, plotlyUrl),
  (figure, /** @type {Component<Content>} */ { setTriggerValue }) => {
    figure.ask = setTriggerValue
  },
)

export class Figure {
  /** @type {((name: string, value: unknown) => void) | undefined} */
  ask = undefined // what the server is to make; in a saved page there is none
  /** @type {Content | undefined} */
  content = undefined
  /** @type {Side[]} */
  sides = []
  count = 0 // steps
  rows = new Rows([], [])
  at = 0
  /** @type {number[]} */
  units = []
  /** @type {(number | null)[]} */
  picked = [] // by the visitor
  sortBy = "index"
  /** @type {string | null} */
  only = null // the row that is drawn alone
  window = [0, 0] // the steps in view
  /** @type {Placed[]} */
  panels = []
  /** @type {number[]} */
  pitch = [] // pixels a step
  dark = false
  /** @type {Drawn | undefined} */
  drawn = undefined
  /** @type {Column[]} */
  columns = []
  /** @type {Parts | undefined} */
  parts = undefined // of the readout
  /** @type {HTMLElement[]} */
  marks = []
  /** @type {HTMLElement[]} */
  over = [] // frames round the unit under the mouse
  /** @type {[side?: number, unit?: RowName | null]} */
  hovered = []
  /** @type {string[]} */
  spoken = [] // words that a tour speaks of
  /** @type {string[]} */
  cut = [] // what is said of a film that shows less than is in view
  repaints = 0
  /** @type {string | undefined} */
  size = undefined
  tall = "" // the caption, once all is said
  after = new After()
  /** @type {number | null} */
  timer = null // of the play
  telling = 0
  frame = 0

  /** @param {HTMLElement} parent @param {string} plotlyUrl */
  constructor(parent, plotlyUrl) {
    this.el = elements(this)
    const { root, stage, tip } = this.el
    this.root = root
    this.stage = stage
    this.tip = tip
    root.rowsNamed = (row) =>
      this.panels.filter((panel) => panel.row === row && !panel.empty).map(({ box, side }) => ({ stage, box, side }))
    root.speakOf = (words) => {
      if (words.join() === this.spoken.join()) return
      this.spoken = words
      this.cursor()
    }
    parent.append(root)
    this.ahead = new Ahead(
      root,
      (content) => this.showContent(content),
      () => this.picked,
    )
    this.deafen = listen(this)
    this.plotlyUrl = plotlyUrl
    this.ready = load("link", "gates.css", import.meta.url)
    this.onScreen = () => this.resized()
    this.observer = new ResizeObserver(this.onScreen)
    this.observer.observe(root)
    window.addEventListener("gs:screen", this.onScreen)
  }

  close() {
    this.play(false)
    this.ahead.close()
    this.after.stop()
    clearTimeout(this.telling)
    this.deafen()
    this.observer.disconnect()
    window.removeEventListener("gs:screen", this.onScreen)
    window.Plotly?.purge(this.el.plot)
    this.root.remove()
  }

  // ---- what the server sent, and what was made here until it comes

  /** @param {Content} content */
  async take(content) {
    this.el.tools.made.hidden = !this.ask
    this.el.tools.film.textContent = "GIF"
    for (const file of content.files ?? []) keep(file)
    const newest = this.ahead.hear(content)
    if (newest) await this.showContent(newest)
  }

  /** @param {Content} content */
  async showContent(content) {
    const before = this.content
    this.content = content
    this.after.stop() // what was to be said of another text
    const settings = { ...content.settings, ...kept }
    this.sides = content.sides
    this.count = stepCount(this.sides[0])
    this.rows = new Rows(this.sides, content.figure.data)
    const same = before?.text === content.text ? before : undefined
    if (!same) this.cut = []
    const now = same ? toSide([same.sides[0], this.sides[0]], 1, this.at) : -1 // other pieces, the same word; a new text is read to its end
    const at = before ? now : (settings.at ?? 0)
    this.at = clamp(at < 0 ? this.count + at : at, 0, Math.max(0, this.count - 1))
    if (!same || stepCount(same.sides[0]) !== this.count) this.window = [0, this.count]
    // A unit that was picked stays while its model does; until then it is the one that decides on this text, which the server knows.
    const stays = (/** @type {number} */ k) => before?.sides[k]?.model === this.sides[k].model
    const first = [settings.unit, settings.unit2]
    this.picked = this.sides.map((_, k) => {
      const unit = before ? (stays(k) ? this.picked[k] : null) : first[k]
      return this.has(k, unit) || this.lacks(k, unit) ? unit : null
    })
    this.units = content.units.map((unit, k) => {
      const picked = this.picked[k]
      return this.has(k, picked) ? picked : unit
    })
    if (!before) Object.assign(this, { sortBy: settings.sort, only: settings.only ?? null })
    if (!this.sides.some(({ orders }) => Object.hasOwn(orders, this.sortBy))) this.sortBy = "index"
    if (!same) this.play(false) // the server's own trace of what is played goes on with it
    if (this.picked.some((unit, k) => unit !== null && !this.has(k, unit))) this.wish()
    else if (before) this.address()
    await this.ready
    if (content === this.content) this.render() // the newest wins
  }

  render() {
    const { content, root, el, count } = this
    if (!content) return
    this.size = measure(root)
    this.dark = screen.dark(root)
    root.classList.toggle("gs-dark", this.dark)
    Object.assign(root.dataset, { text: content.text, steps: count, whole: 1 })
    this.say()
    el.below.honesty.replaceChildren(...content.honesty.map((one) => make("p", { text: one })))
    el.below.quiet.textContent = content.quiet
    el.below.summed.replaceChildren(...content.summed.map((one) => make("p", { text: one })))
    const nothing = count === 0
    el.empty.hidden = !nothing
    for (const part of [el.body, el.tools.root, el.caption]) part.hidden = nothing
    if (nothing) this.panels = []
    else {
      if (!content.figure.layout.meta.rows.includes(this.only ?? "")) this.only = null
      this.drawn = place(this, content)
      const { data, layout } = this.drawn.figure
      drawing.react(el.swift, data, layout) // what Plotly draws takes longer than a key may
      el.swift.hidden = false
      el.plot.hidden = true
      decorate(this, content, this.drawn)
      this.cursor()
    }
    this.repaints += 1
    root.of = content.of
    Object.assign(root.dataset, { repaints: this.repaints, ready: 1, here: content.here ? 1 : 0 })
    root.dispatchEvent(new CustomEvent("gs:repaint"))
    this.ahead.drawn()
    if (!nothing && !content.here) this.rest()
  }

  // Plotly draws the same when there is time for it, and what it has drawn stands until the next key.
  rest() {
    const { drawn, el } = this
    const newest = () => drawn === this.drawn && this.root.isConnected
    const idle = async () => {
      if (!drawn || !newest() || !(await this.withPlotly()) || !newest()) return
      await window.Plotly.react(el.plot, drawn.figure.data, drawn.figure.layout, STATIC)
      if (!newest()) return
      el.plot.hidden = false
      el.swift.hidden = true
      this.root.dataset.rests = String(this.repaints)
    }
    if ("requestIdleCallback" in window) window.requestIdleCallback(idle)
    else setTimeout(idle, SOON)
  }

  // Whether Plotly is here. It is asked for when a first figure stands, so that nobody waits for it on a slow line.
  async withPlotly() {
    await load("script", this.plotlyUrl).catch(() => {}) // without it the figure stands as it was drawn
    return Boolean(window.Plotly) && window.Plotly !== drawing
  }

  // What the server has to say, and of a film that it is cut.
  say(cut = this.cut) {
    this.cut = cut
    const notices = [...(this.content?.notices ?? []), ...cut]
    this.el.notice.textContent = notices.join(" ")
    this.el.notice.hidden = !notices.length
  }

  /** @param {number} side */
  order(side) {
    return this.rows.order(side, this.sortBy)
  }

  /** @param {Panel} panel */
  rowsOf(panel) {
    return this.rows.of(panel, this.sortBy)
  }

  /** @param {number} side @param {number | null | undefined} unit @returns {unit is number} */
  has(side, unit) {
    return this.rows.has(side, unit)
  }

  // Whether it has no row, and the server, which was not asked for it yet, can give it one.
  /** @param {number} side @param {number | null | undefined} unit @returns {unit is number} */
  lacks(side, unit) {
    const asked = this.content?.settings[side ? "unit2" : "unit"]
    const known = typeof unit === "number" && Number.isInteger(unit) && unit >= 0 && unit < this.sides[side].width
    return Boolean(this.ask) && known && unit !== asked
  }

  // Ask for a row of what was picked.
  wish() {
    this.tell()
    again()
  }

  // The steps in view on a side: zooming narrows the left side's and takes the other's along.
  /** @param {number} k @returns {[from: number, to: number]} */
  view(k) {
    const [from, to] = this.window
    if (k === 0) return [from, to]
    return [
      from === 0 ? 0 : toSide(this.sides, k, from),
      to === this.count ? stepCount(this.sides[k]) : toSide(this.sides, k, to - 1) + 1,
    ]
  }

  // In other colours.
  redraw() {
    return this.render()
  }

  // Nothing here asks Plotly or the server.
  cursor() {
    const { content, drawn, parts } = this
    if (!content || !drawn || !parts) return
    follow(this, content, drawn.geometry, parts)
    this.finish(content, parts)
  }

  // Where a network here has to read on to know how its next words end, they stand without their ends until the paint.
  /** @param {Content} content @param {Parts} parts */
  finish(content, parts) {
    const places = this.sides.map(({ next }, k) => ({ next, step: toSide(this.sides, k, this.at) }))
    const open = places.filter(({ next, step }) => next.open?.has(step))
    this.whole(!open.length)
    const pieces = open.map(
      ({ next, step }) =>
        () =>
          void next.finish?.(step),
    )
    const said = () => {
      narrate(this, content, parts)
      this.whole(true)
      this.tall = `${this.el.caption.offsetHeight}px`
    }
    this.after.paint(open.length ? [...pieces, said] : [])
  }

  // Whether all is said. A caption that is not whole is not read out yet, and keeps its height.
  /** @param {boolean} all */
  whole(all) {
    this.root.dataset.whole = all ? "1" : "0"
    this.el.caption.ariaBusy = String(!all)
    this.el.caption.style.minHeight = all ? "" : this.tall
  }

  // ---- what a visitor does

  /** @param {number} step */
  moveTo(step) {
    const next = clamp(step, 0, this.count - 1)
    if (next === this.at) return
    this.at = next
    const [from, to] = this.window
    if (next < from || next >= to) {
      const shift = next < from ? next - from : next - to + 1
      this.window = [from + shift, to + shift]
      this.render()
    } else this.cursor()
    this.address()
  }

  /** @param {number} factor */
  zoom(factor) {
    const [from, to] = this.window
    const width = clamp(Math.round((to - from) * factor), Math.min(8, this.count), this.count)
    const start = clamp(Math.round(this.at - ((this.at - from) / (to - from)) * width), 0, this.count - width)
    this.window = [start, start + width]
    this.render()
  }

  /** @param {string} by */
  sortUnits(by) {
    this.sortBy = by
    this.render()
    this.address()
  }

  // One row alone, by its place in the grid from 1 on; 0 is the grid.
  /** @param {number} number */
  pickRow(number) {
    this.only = this.content?.figure.layout.meta.rows[number - 1] ?? null
    this.render()
    this.address()
  }

  /** @param {number} side @param {number} unit */
  pickUnit(side, unit) {
    this.picked[side] = unit
    if (!this.has(side, unit)) return this.wish()
    this.units[side] = unit
    this.render()
    this.address()
  }

  /** @param {number} by rows, of the left side */
  stepUnit(by) {
    const order = this.order(0)
    this.pickUnit(0, order[clamp(order.indexOf(this.units[0]) + by, 0, order.length - 1)])
  }

  /** @param {boolean} on */
  play(on) {
    clearInterval(this.timer ?? undefined)
    this.timer = null
    if (on) {
      if (this.at >= this.count - 1) this.moveTo(0)
      this.timer = setInterval(() => (this.at < this.count - 1 ? this.moveTo(this.at + 1) : this.play(false)), BEAT)
    }
    this.el.tools.play.textContent = on ? tr("Pause") : tr("Play")
    this.root.dataset.playing = on ? "1" : "0"
  }

  // The address follows, but not at every step of a drag: browsers limit how often it may change.
  address() {
    clearTimeout(this.telling)
    this.telling = setTimeout(() => this.tell(), 200)
  }

  tell() {
    clearTimeout(this.telling)
    remember(this.chosen(), this.content?.arrival)
  }

  /** @returns {Chosen} */
  chosen() {
    const { at, sortBy, picked, only } = this
    return { at, sort: sortBy === "index" ? null : sortBy, unit: picked[0], unit2: picked[1], only }
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen()
    else this.root.requestFullscreen()
  }

  /** @param {"png" | "svg"} format */
  async save(format) {
    const shown = whole(this, [...this.marks, ...this.columns.map((column) => column.cursor)])
    await this.withPlotly()
    if (shown) await download(format, shown)
  }

  async film() {
    await this.withPlotly()
    return play(this, BEAT)
  }

  // ---- the page around

  resized() {
    // What is not drawn yet will be drawn as large as it is then.
    if (!this.root.isConnected || this.size === undefined || measure(this.root) === this.size) return
    cancelAnimationFrame(this.frame)
    this.frame = requestAnimationFrame(() => this.render())
  }
}
