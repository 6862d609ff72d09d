// Panels of Plotly figures with a heading each, below the words of the sentence. A step that is chosen goes to the server.
import { stepCount } from "../page/align.js"
import { Choice } from "../page/choice.js"
import { load, make } from "../page/dom.js"
import { hold } from "../page/hold.js"
import { clamp } from "../page/numbers.js"
import { check } from "../page/origin.js"
import { WordRow } from "../page/row.js"
import { dark, ours } from "../page/screen.js"
import { kept, remember } from "../page/url.js"
import { Panel } from "./panel.js"

/** @import { FigureElement, Layout, Origin, Word } from "../types.d.ts" */
/** @import { Content as PanelContent } from "./panel.js" */
/** What dashboard/chart.py sends. ``steps``, where the row is not the text: each place's step of the text.
 * ``heard``: of which choice it knows.
 * @typedef {{ words: Word[], step: number, steps?: number[], columns: number, panels: PanelContent[], dark: Layout,
 *   of: Origin | null, heard?: number | null }} Content */

export default hold(
  (parent, plotlyUrl) => new Chart(parent, plotlyUrl),
  (chart, { setStateValue }) => (chart.choice.tell = (told) => setStateValue("step", told)),
)

export class Chart {
  /** @type {Map<string, Panel>} */
  panels = new Map()
  /** @type {Content | undefined} */
  content = undefined
  /** @type {string | undefined} the panel that is drawn alone */
  alone = undefined
  /** @type {string | null} the one that is wanted alone, which another page may not have */
  only = kept.only ?? null
  /** @type {Choice<number>} */
  choice = new Choice()
  step = 0
  count = 0
  repaints = 0
  dark = false
  family = ""
  /** @type {number | undefined} that it was drawn for */
  width = undefined
  frame = 0
  /** @type {number | undefined} the step that was told last */
  told = undefined

  /** @param {HTMLElement} parent @param {string} plotlyUrl */
  constructor(parent, plotlyUrl) {
    this.row = new WordRow("gc", ({ first, last }) => this.choose(first === this.step ? last : first))
    this.grid = make("div", { class: "gc-grid" })
    this.said = make("p", { class: "gc-said", test: "gc-said", "aria-live": "polite" })
    /** @type {FigureElement} */
    this.root = make("div", { class: "gc", test: "gc", role: "group" }, this.row.root, this.grid, this.said)
    parent.append(this.root)
    this.ready = Promise.all([load("link", "chart.css", import.meta.url), load("script", plotlyUrl)])
    /** @param {KeyboardEvent} event */
    this.onKey = (event) => this.key(event)
    document.addEventListener("keydown", this.onKey)
    this.observer = new ResizeObserver(() => this.resized())
    this.observer.observe(this.root)
  }

  close() {
    this.observer.disconnect()
    document.removeEventListener("keydown", this.onKey)
    for (const panel of this.panels.values()) panel.close()
    this.root.remove()
  }

  /** @param {Content} content */
  async take(content) {
    const before = this.content
    const another = before?.of && content.of?.text !== before.of.text
    const row = JSON.stringify(content.words)
    if (another || row !== JSON.stringify(before?.words)) this.choice.forget()
    this.content = content
    if (this.choice.answered(content.heard)) this.step = content.step
    if (another) remember({ at: this.at(this.step) }) // of a new sentence
    this.count = stepCount(content)
    await this.ready
    if (content === this.content) await this.render(content) // the newest wins
  }

  // The step of the text at a place of the row.
  /** @param {number} place */
  at(place) {
    return this.content?.steps?.[place] ?? place
  }

  /** @param {number} step */
  choose(step) {
    const next = clamp(step, 0, this.count - 1)
    if (next === this.step) return
    this.step = next
    this.row.mark(next)
    remember({ at: this.at(next) })
    this.choice.make(next)
    this.root.waits = true
    check()
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!ours(this.root, event)) return
    if (/^[0-9]$/.test(event.key) && this.root === document.querySelector(".gc")) this.pickPanel(Number(event.key))
    if (!this.count) return
    const [back, on] = [this.step - 1, this.step + 1]
    /** @type {Record<string, number>} */
    const steps = { ArrowLeft: back, ArrowRight: on, PageUp: back, PageDown: on, Home: 0, End: this.count - 1 }
    if (!Object.hasOwn(steps, event.key)) return
    event.preventDefault()
    this.choose(steps[event.key])
  }

  // One figure alone, by its place on the page from 1 on; 0 is all of them.
  /** @param {number} number */
  pickPanel(number) {
    if (!this.content) return
    this.only = this.content.panels.filter((panel) => panel.figure)[number - 1]?.id ?? null
    remember({ only: this.only })
    this.render(this.content)
  }

  /** @param {Content} content */
  async render(content) {
    this.row.draw(content.words)
    this.row.mark(this.step)
    this.dark = dark(this.root)
    this.root.classList.toggle("gc-dark", this.dark)
    this.grid.style.setProperty("--gc-columns", String(content.columns))
    this.alone = content.panels.find((panel) => panel.id === this.only && panel.figure)?.id
    const changed = this.arrange(content)
    this.width = this.root.clientWidth
    // All widths are read before anything is drawn: between two drawings the browser would lay the page out anew.
    this.family = getComputedStyle(this.root).fontFamily
    const sizes = changed.map(([panel]) => panel.plot.clientWidth)
    await Promise.all(changed.map(([panel, one], k) => panel.draw(one, sizes[k])))
    this.repaints += 1
    this.tell(content)
    Object.assign(this.root, { of: content.of, waits: this.step !== content.step })
    Object.assign(this.root.dataset, { repaints: this.repaints, ready: "1", step: this.step, only: this.alone ?? "" })
    this.root.dispatchEvent(new CustomEvent("gs:repaint"))
  }

  // What the first panels say of another step, once its answer is there, for those who do not see them.
  /** @param {Content} content */
  tell(content) {
    if (this.step !== content.step || this.told === this.step) return
    const all = content.panels.slice(0, content.columns).map(({ title, text }) => `${title}: ${text ?? ""}`)
    if (this.told !== undefined) this.said.textContent = all.join("\n")
    this.told = this.step
  }

  // In other colours.
  redraw() {
    return this.content && this.render(this.content)
  }

  // Panels for what there is, in its order; those whose figure has to be drawn, each with its content.
  /** @param {Content} content @returns {[Panel, PanelContent][]} */
  arrange(content) {
    /** @type {[Panel, PanelContent][]} */
    const all = content.panels.map((one) => [this.panels.get(one.id) ?? new Panel(this, one.id), one])
    const seen = new Map(all.map(([panel, { id }]) => [id, panel]))
    for (const [id, panel] of this.panels) if (!seen.has(id)) panel.close()
    this.panels = seen
    const boxes = all.map(([panel]) => panel.box)
    if (boxes.some((box, k) => box !== this.grid.children[k])) this.grid.append(...boxes)
    return all.filter(([panel, one]) => panel.write(one))
  }

  resized() {
    if (!this.root.isConnected) return
    const { content } = this
    // What is not drawn yet will be drawn as wide as it is then.
    if (this.width === undefined || this.root.clientWidth === this.width || !content) return
    cancelAnimationFrame(this.frame)
    this.frame = requestAnimationFrame(() => this.render(content))
  }
}
