// What stands over each model's panels: its title, the choice of its unit, its words, and its cursor.
import { fromSide } from "../page/align.js"
import { fill, make } from "../page/dom.js"
import { unitName } from "../page/naming.js"
import { tr } from "../page/words.js"
import * as labels from "./labels.js"

/** @import { Option } from "../page/dom.js" */
/** @import { Word } from "../types.d.ts" */
/** @import { Figure } from "./gates.js" */
/** @import { Plan } from "./labels.js" */
/** @import { Geometry } from "./types.d.ts" */

export class Column {
  /** @param {Figure} figure @param {number} k of which side */
  constructor(figure, k) {
    this.figure = figure
    this.k = k
    this.select = make("select", {
      test: `gs-unit-${k}`,
      "aria-label": k ? tr("Unit of the right model") : tr("Unit of the left model"),
      onchange: () => figure.pickUnit(k, Number(this.select.value)),
    })
    this.name = make("strong", { role: "heading", "aria-level": "2" })
    this.model = make("span")
    this.title = make("div", { class: "gs-column-title" }, this.name, this.model, this.select)
    this.words = make("div", { class: "gs-layer gs-words", test: `gs-words-${k}` })
    this.cursor = make("div", { class: "gs-cursor" })
    figure.stage.append(this.words, this.cursor)
    figure.el.sheet.insertBefore(this.title, figure.stage)
  }

  /** @param {Geometry} geometry @param {Plan} plan */
  draw(geometry, plan) {
    const { figure, k } = this
    const side = figure.sides[k]
    const top = geometry.tops[k]
    const [from, to] = figure.view(k)
    const pitch = figure.pitch[k]
    const seen = side.words
      .filter(([, first, last]) => last >= from && first < to)
      .map(([text, first, last, known]) => /** @type {Word} */ ([text, first - from, last - from, known]))
    labels.draw(this.words, seen, plan, top, pitch, (first) => {
      figure.moveTo(fromSide(figure.sides, k, first + from))
      figure.stage.focus()
    })
    this.name.textContent = side.title
    this.model.textContent = side.model
    Object.assign(this.title.style, { left: `${top.left}px`, top: `${top.title}px`, width: `${geometry.column}px` })
    this.offer()
    Object.assign(this.cursor.style, {
      top: `${top.top - 2}px`,
      height: `${top.bottom - top.top + 6}px`,
      width: `${Math.max(3, pitch)}px`,
    })
  }

  // The units to choose from: those with a name, those with a row, and those that the server can give one.
  offer() {
    const { figure, k } = this
    const side = figure.sides[k]
    const named = side.named.map(({ unit }) => /** @type {Option} */ ([unit, unitName(side, unit)]))
    /** @type {(unit: number) => Option} */
    const option = (unit) => [unit, tr("unit {unit}", { unit })]
    const all = Array.from(figure.order(k), option)
    const without = figure.ask ? Array.from({ length: side.width }, (_, unit) => unit) : []
    const others = without.filter((unit) => !figure.has(k, unit)).map(option)
    const groups = [
      { group: tr("named"), options: named },
      { group: others.length ? tr("shown") : tr("all"), options: all },
      { group: tr("others"), options: others },
    ].filter(({ options }) => options.length)
    fill(this.select, groups.length > 1 ? groups : all, figure.units[k])
  }
}
