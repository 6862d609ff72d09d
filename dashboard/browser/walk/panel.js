// One side of the walk on the page: the chain, the drawing, the stage and the programs of one model's cell.
import { fromSide } from "../page/align.js"
import { fill, make, swap } from "../page/dom.js"
import { tr, list } from "../page/words.js"
import { chain } from "./chain.js"
import { shortProgram, torchProgram } from "./code.js"
import { Drawing, svg } from "./drawing.js"
import { explain } from "./explain.js"
import { describe, look } from "./look.js"
import { Moment } from "./moment.js"
import { stage } from "./stage.js"
import { inPieces, pieces } from "./text.js"

/** @import { Walk } from "./walk.js" */
/** @import { Node } from "./types.d.ts" */

export class Panel {
  /** @param {Walk} walk @param {number} k */
  constructor(walk, k) {
    this.walk = walk
    this.k = k
    this.drawing = new Drawing((node) => walk.pick(k, node))
    this.drawing.root.setAttribute("data-testid", `gw-drawing-${k}`)
    this.select = make("select", {
      test: `gw-unit-${k}`,
      "aria-label": tr("Unit of model {model}", { model: k + 1 }),
      onchange: () => walk.pickUnit(k, Number(this.select.value)),
    })
    this.heading = make("strong", { role: "heading", "aria-level": "2" })
    this.model = make("span")
    this.stage = make("div", { class: "gw-stage", test: `gw-stage-${k}` })
    this.program = make("details", { class: "gw-code", test: `gw-program-${k}` })
    this.code = make("details", { class: "gw-code", test: `gw-code-${k}` })
    this.strip = svg("svg", { class: "gw-strip", "data-testid": `gw-strip-${k}` })
    this.carried = make("p", { class: "gw-carries", test: `gw-carries-${k}` })
    this.pieces = make("p", { class: "gw-pieces", test: `gw-pieces-${k}` })
    this.box = make("div", { class: "gw-drawing-box", onscroll: () => this.fade() }, this.drawing.root)
    this.root = make(
      "section",
      { class: "gw-column" },
      make("div", { class: "gw-title" }, this.heading, this.model, this.carried, this.select),
      make("div", { class: "gw-strip-box" }, this.strip),
      this.pieces,
      this.box,
      this.stage,
      this.program,
      this.code,
    )
    this.place = ""
  }

  draw() {
    const { walk, k, drawing } = this
    const here = new Moment(walk, k)
    const { side, unit, at } = here
    this.heading.textContent = side.title
    this.model.textContent = side.model
    this.units(here)
    this.pieces.hidden = !side.words.some(inPieces) // its line stands there at every word, or the drawing would jump
    this.pieces.textContent = pieces(side, at)
    const chosen = walk.chosen?.k === k ? walk.chosen.id : undefined
    drawing.build(side, here.style)
    drawing.paint(
      (item) => look(here, item),
      new Set(here.stage?.signals),
      (node) => describe(here, node),
      around(here),
      chosen,
    )
    const place = `${at} ${walk.stage}`
    if (this.place !== place) drawing.reveal()
    this.place = place
    const about = { cell: side.title, word: here.place(), unit: here.unitName(unit), values: list(here.told()) }
    drawing.root.setAttribute("aria-label", tr("The {cell} at {word}, {unit}: {values}.", about))
    const node = side.diagram.nodes.find(({ id }) => id === chosen)
    swap(this.stage, ...(node ? explain(here, node, () => this.leave(node)) : stage(here)))
    shortProgram(this.program, here, walk.swapped, () => walk.swapOrder())
    torchProgram(this.code, side.code)
    this.unroll(here)
  }

  // The units to choose from, those with a name first.
  /** @param {Moment} here */
  units(here) {
    const { side, unit } = here
    /** @type {(unit: number) => [number, string]} */
    const numbered = (unit) => [unit, tr("unit {unit}", { unit })]
    const all = Array.from({ length: side.hidden }, (_, unit) => numbered(unit))
    /** @type {[number, string][]} */
    const named = side.named.map(({ unit }) => [unit, here.unitName(unit)])
    const groups = [
      { group: tr("named"), options: named },
      { group: tr("all"), options: all },
    ]
    fill(this.select, named.length ? groups : all, unit)
  }

  unroll(here = new Moment(this.walk, this.k)) {
    if (!here.side || !this.walk.count) return
    this.fade()
    chain(this, here, (step) => this.walk.go(fromSide(this.walk.sides, this.k, step)))
  }

  // Back from a node's explanation, with the keyboard at the node.
  /** @param {Node} node */
  leave(node) {
    this.walk.pick(this.k, node)
    this.drawing.nodes.find(({ id }) => id === node.id)?.group.focus({ preventScroll: true })
  }

  // Where a drawing goes on beyond the edge, it fades out.
  fade() {
    const { box } = this
    box.classList.toggle("gw-more", box.scrollLeft + box.clientWidth < box.scrollWidth - 1)
  }
}

// The words before, at and after the step; a layer above reads none.
/** @param {Moment} here */
function around({ side, at }) {
  const texts = [-1, 0, 1].map((by) => side.tokens[side.backward ? at - by : at + by] ?? "")
  return texts.map((text, place) => (place === 1 && side.layer ? "" : text))
}
