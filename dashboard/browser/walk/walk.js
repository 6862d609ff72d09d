// The walk through a cell: one word, one stage at a time. Everything here happens in the browser, on the numbers of one
// message. What is shown of a side at a moment is drawn by its panel.
import { ofText } from "../page/align.js"
import { dress, make } from "../page/dom.js"
import { hold } from "../page/hold.js"
import { clamp } from "../page/numbers.js"
import { change } from "../page/origin.js"
import { WordRow } from "../page/row.js"
import { dark, ours } from "../page/screen.js"
import { kept, remember } from "../page/url.js"
import { tr } from "../page/words.js"
import { leastWidth } from "./drawing.js"
import { Exercise } from "./exercise.js"
import { placeOf } from "./moment.js"
import { notations } from "./notation.js"
import { Panel } from "./panel.js"
import { legend, loop } from "./pictures.js"

/** @import { FigureElement } from "../types.d.ts" */
/** @import { Content, Node, Side } from "./types.d.ts" */

export default hold((parent) => new Walk(parent))

// The words of the text, as the model on the left reads them.
/** @param {{ sides: Side[] }} content */
const written = ({ sides: [side] }) => side.words.filter(([, first]) => ofText(side, first))

export class Walk {
  /** @type {Side[]} */
  sides = []
  /** @type {Panel[]} */
  panels = []
  /** @type {string[]} the stages' names */
  names = []
  /** @type {number[]} a unit a side */
  units = []
  /** @type {{ k: number, id: number } | null} the node of the drawing that is explained */
  chosen = null
  /** @type {string[][]} by side: the two words that are held against each other */
  pairs = []
  exercise = new Exercise()
  /** @type {Content | undefined} */
  content = undefined
  at = 0
  count = 0
  all = kept.view === "all" // units, or one
  dark = false
  notation = kept.notation ?? ""
  stage = kept.stage || 0
  swapped = kept.order === "memory"

  /** @param {HTMLElement} parent */
  constructor(parent) {
    /** @type {(test: string, text: string, title: string, onclick: () => void) => HTMLButtonElement} */
    const button = (test, text, title, onclick) =>
      make("button", { type: "button", class: "gw-button", test, text, title, onclick })
    const says = tr("Stages of one step")
    this.row = new WordRow("gw", ({ first }) => this.go(first))
    this.stages = make("div", { class: "gw-stages", test: "gw-stages", role: "tablist", "aria-label": says })
    this.exerciseButton = button("gw-exercise", tr("Exercise"), tr("Guess before you see (x)"), () =>
      this.toggleExercise(),
    )
    this.viewButton = button("gw-view", tr("All units"), tr("One unit or all of them (v)"), () => this.toggleView())
    const options = notations().map(([value, text]) => make("option", { value, text }))
    const onchange = () => this.pickNotation()
    this.notationChoice = make("select", { test: "gw-notation", "aria-label": tr("Notation"), onchange }, ...options)
    this.score = make("span", { class: "gw-score", test: "gw-score", role: "status" })
    const full = button("gw-full", tr("Full screen"), "f", () => this.fullScreen())
    this.head = make(
      "div",
      { class: "gw-head" },
      button("gw-back", tr("‹ Back"), tr("Left arrow"), () => this.move(-1)),
      this.stages,
      button("gw-next", tr("Next ›"), tr("Right arrow"), () => this.move(1)),
      make("div", { class: "gw-tools" }, this.viewButton, this.exerciseButton, this.score, full),
      this.notationChoice,
    )
    this.columns = make("div", { class: "gw-columns" })
    this.loop = make("details", { class: "gw-code gw-loop", test: "gw-loop" })
    this.legend = legend()
    this.empty = make("p", { class: "gw-empty", text: tr("Type a sentence above, or choose an example."), hidden: "" })
    this.status = make("p", { class: "gw-status", test: "gw-status", "aria-live": "polite" })
    const top = make("div", { class: "gw-top" }, this.row.root, this.loop)
    this.shown = [top, this.head, this.status, this.columns, this.legend]
    const attributes = { class: "gw", test: "gw", role: "group", tabindex: "-1" }
    const [row, head, status, ...rest] = this.shown
    /** @type {FigureElement} */
    this.root = make("div", attributes, row, head, status, this.empty, ...rest)
    parent.append(this.root)
    dress(parent, "walk.css", import.meta.url).then(() => this.panels.forEach(({ drawing }) => drawing.reveal()))
    /** @param {KeyboardEvent} event */
    this.onKey = (event) => this.key(event)
    document.addEventListener("keydown", this.onKey)
    this.observer = new ResizeObserver(() => this.panels.forEach((panel) => panel.unroll()))
    this.observer.observe(this.root)
  }

  close() {
    document.removeEventListener("keydown", this.onKey)
    this.observer.disconnect()
    this.root.remove()
  }

  /** @param {Content} content */
  take(content) {
    const before = this.content
    /** @param {Content} content */
    const words = (content) => JSON.stringify(written(content).map(([text]) => text))
    this.content = content
    this.sides = content.sides
    this.count = this.sides[0].tokens.length
    const another = before !== undefined && words(before) !== words(content)
    if (another) kept.at = -1 // a new sentence is read to its end
    const at = before && !another ? this.sameWord(before) : Number(kept.at ?? content.at)
    this.at = clamp(at < 0 ? at + this.count : at, 0, Math.max(0, this.count - 1))
    const chosen = before ? this.units.map((unit, k) => (this.stays(before, k) ? unit : null)) : [kept.unit, kept.unit2]
    this.units = this.sides.map((side, k) => this.unitOf(side, chosen[k])) // a visitor's next model may have fewer
    if (this.count) this.loop.replaceChildren(...loop(this.sides[0], content.plain, (left) => change({ left })))
    const seen = new Set(this.sides.flatMap(({ stages }) => stages.map(({ name }) => name)))
    this.names = Object.keys(content.stages).filter((name) => seen.has(name))
    this.stage = clamp(this.stage, 0, this.names.length - 1)
    this.chosen = null
    this.exercise.verdicts = {}
    this.columns.style.setProperty("--gw-least", `${Math.max(...this.sides.map(leastWidth))}px`)
    while (this.panels.length < this.sides.length) this.panels.push(this.panel())
    this.render()
    if (another) this.tell()
    this.root.of = content.of
    this.root.dispatchEvent(new CustomEvent("gs:repaint"))
  }

  panel() {
    const panel = new Panel(this, this.panels.length)
    this.columns.append(panel.root)
    return panel
  }

  // Where the word stands now that was chosen before: another model may read it in other pieces.
  /** @param {Content} before */
  sameWord(before) {
    const [were, are] = [written(before), written(this)]
    const place = were.findIndex(([, first, last]) => first <= this.at && this.at <= last)
    if (place < 0) return 0
    return String(were[place]) === String(are[place]) ? this.at : are[place][2]
  }

  /** @param {Content} before @param {number} k */
  stays(before, k) {
    return before.sides[k]?.model === this.sides[k].model
  }

  // The unit of a model that was not there before: the one that was chosen, if it has it.
  /** @param {Side} side @param {number | null | undefined} chosen */
  unitOf(side, chosen) {
    const unit = Number(chosen ?? NaN)
    return Number.isInteger(unit) && unit >= 0 && unit < side.hidden ? unit : side.unit
  }

  // ---- what a visitor does

  /** @param {number} by stages */
  move(by) {
    const last = this.names.length - 1
    let [at, stage] = [this.at, this.stage + by]
    if (stage > last) [at, stage] = at < this.count - 1 ? [at + 1, 0] : [at, last]
    if (stage < 0) [at, stage] = at > 0 ? [at - 1, last] : [at, 0]
    this.go(at, stage)
  }

  /** @param {number} at */
  go(at, stage = this.stage) {
    this.at = this.placed = clamp(at, 0, Math.max(0, this.count - 1))
    this.stage = stage
    this.chosen = null
    this.changed()
  }

  /** @param {number} k @param {Node} node */
  pick(k, node) {
    this.chosen = this.chosen?.k === k && this.chosen.id === node.id ? null : { k, id: node.id }
    this.render()
  }

  /** @param {number} k @param {number} unit */
  pickUnit(k, unit) {
    this.units[k] = unit
    this.changed()
  }

  pickNotation() {
    this.notation = this.notationChoice.value
    this.shownOtherwise()
  }

  toggleView() {
    this.all = !this.all
    this.shownOtherwise()
  }

  // The states that a cell gives back, in the essays' two orders.
  swapOrder() {
    this.swapped = !this.swapped
    this.shownOtherwise()
  }

  toggleExercise() {
    this.exercise.toggle()
    this.render()
  }

  // Something else is asked about.
  changed() {
    this.exercise.verdicts = {}
    this.shownOtherwise()
  }

  shownOtherwise() {
    this.render()
    this.tell()
  }

  tell() {
    const { at, stage, notation } = this
    const [unit, unit2] = this.units
    const [view, order] = [this.all ? "all" : null, this.swapped ? "memory" : null]
    remember({ at, stage: stage || null, unit, unit2, view, notation: notation || null, order })
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen()
    else this.root.requestFullscreen()
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const focus = document.activeElement
    if (!this.count || !ours(this.root, event)) return
    const [back, on] = [() => this.go(this.at - 1), () => this.go(this.at + 1)]
    const words = event.shiftKey || this.row.root.contains(focus)
    /** @type {Record<string, () => void>} */
    const acts = {
      ...(this.root.contains(focus) && { ArrowUp: back, ArrowDown: on }), // there they scroll the page
      ArrowRight: () => (words ? on() : this.move(1)),
      ArrowLeft: () => (words ? back() : this.move(-1)),
      PageDown: () => this.move(1),
      PageUp: () => this.move(-1),
      Home: () => this.go(0, 0),
      End: () => this.go(this.count - 1, this.names.length - 1),
      x: () => this.toggleExercise(),
      v: () => this.toggleView(),
      f: () => this.fullScreen(),
    }
    if (!Object.hasOwn(acts, event.key)) return
    event.preventDefault()
    acts[event.key]()
  }

  // ---- drawing

  render() {
    const nothing = this.count === 0
    this.empty.hidden = !nothing
    for (const part of this.shown) part.hidden = nothing
    if (nothing) return
    this.dark = dark(this.root)
    this.root.classList.toggle("gw-dark", this.dark)
    Object.assign(this.root.dataset, { at: this.at, stage: this.stage })
    this.row.draw(this.sides[0].words)
    this.row.mark(this.at)
    this.tabs()
    this.notationChoice.value = this.notation
    if (this.notationChoice.selectedIndex < 0) this.notationChoice.value = this.notation = ""
    this.viewButton.textContent = this.all ? tr("One unit") : tr("All units")
    this.exerciseButton.textContent = this.exercise.on ? tr("End exercise") : tr("Exercise")
    this.score.textContent = this.exercise.score
    this.panels.forEach((panel) => panel.draw())
    this.status.textContent = this.told()
  }

  tabs() {
    const inside = this.stages.contains(document.activeElement)
    const tabs = this.names.map((name, k) =>
      make("button", {
        type: "button",
        role: "tab",
        class: "gw-tab",
        text: `${k + 1}. ${this.content?.stages[name]}`,
        "aria-selected": String(k === this.stage),
        tabindex: k === this.stage ? 0 : -1,
        onclick: () => this.go(this.at, k),
      }),
    )
    this.stages.replaceChildren(...tabs)
    if (inside) tabs[this.stage].focus({ preventScroll: true })
  }

  told() {
    const { at, count } = this
    const [side] = this.sides
    const stage = this.content?.stages[this.names[this.stage]]
    if (!side.embedded) return tr("{stage}, step {at} of {count}.", { stage, at: at + 1, count })
    return tr("{stage}, at {word}, {at} of {count}.", { stage, word: placeOf(side, at), at: at + 1, count })
  }
}
