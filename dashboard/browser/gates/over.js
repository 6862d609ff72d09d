// What lies over the plot and stands round it, when it is drawn anew.
import { fill } from "../page/dom.js"
import { tr } from "../page/words.js"
import { called } from "./clauses.js"
import { Column } from "./column.js"
import * as overlay from "./overlay.js"
import * as readout from "./readout.js"
import * as tint from "./tint.js"

/** @import { Option } from "../page/dom.js" */
/** @import { Figure } from "./gates.js" */
/** @import { Drawn } from "./place.js" */
/** @import { Content, Placed, RowName } from "./types.d.ts" */

/** @type {() => Record<string, string>} */
const orderNames = () => ({
  index: tr("index"),
  keep: tr("mean keep"),
  timescale: tr("timescale"),
  moved: tr("movement here"),
})

/** @param {Figure} figure @param {Content} content @param {Drawn} drawn */
export function decorate(figure, content, drawn) {
  const { el, sides, units } = figure
  sides.forEach((_, k) => (figure.columns[k] ??= new Column(figure, k)).draw(drawn.geometry, drawn.plan))
  el.tools.zoom.hidden = figure.count < 40
  const orders = new Set(sides.flatMap((side) => Object.keys(side.orders)))
  const named = [...orders].map((name) => /** @type {Option} */ ([name, orderNames()[name] ?? name]))
  fill(el.tools.sort, named, figure.sortBy)
  drawn.labels = overlay.labels({
    panels: figure.panels,
    geometry: drawn.geometry,
    drawn: drawn.figure,
    last: (side) => figure.view(side)[1] - 1,
    quiet: getComputedStyle(figure.root).getPropertyValue("--gs-quiet").trim(),
    rows: (panel) => figure.rowsOf(panel).length,
    ends: (side) => sides[side].named.find((one) => one.unit === units[side] && one.high),
  })
  overlay.drawLabels(el.labelLayer, drawn.labels)
  overlay.legend(el.below.scales, drawn.figure, (side) => called(sides, side))
  tint.legend(el.below.tints, tintColors(figure, content))
  el.below.tints.hidden = !sides.some((side) => side.adds)
  outline(figure, figure.marks, (side) => units[side])
  hover(figure)
  showUnits(figure, content)
  if (figure.parts?.sides.length !== sides.length) {
    figure.parts = readout.build(el.readout, sides.length)
    figure.parts.at.after(el.step)
  }
  const lines = drawn.figure.data.filter((one) => one.type === "scatter")
  readout.names(figure.parts, sides, units, lines)
}

// The choice of units that have a row, where a layer has too many for all.
/** @param {Figure} figure @param {Content} content */
function showUnits({ el, ask, sides }, { count, show = "" }) {
  const { tools } = el
  tools.showLabel.hidden = !ask || !sides.some(({ wide }) => wide)
  const widths = [...new Set(sides.map(({ width }) => width))].join(" / ")
  /** @type {Option[]} */
  const choices = [
    ["lead", tr("{count} by contribution", { count })],
    ["moved", tr("{count} by movement", { count })],
    ["all", tr("all {count}", { count: widths })],
  ]
  fill(tools.show, choices, show)
}

// Frames round a unit's row in every panel of its side; ``unit(side)`` is none where there is nothing to frame.
/** @param {Figure} figure @param {HTMLElement[]} marks @param {(side: number) => RowName | undefined} unit
 * @param {string} [look] */
function outline(figure, marks, unit, look) {
  if (!figure.columns.length) return
  /** @type {(panel: Placed) => number} */
  const rank = (panel) => {
    const chosen = unit(panel.side)
    return chosen === undefined ? -1 : figure.rowsOf(panel).indexOf(chosen)
  }
  const count = (/** @type {Placed} */ panel) => figure.rowsOf(panel).length
  overlay.mark(marks, figure.stage, figure.columns[0].cursor, figure.panels, rank, count, look)
}

// The unit under the mouse.
/** @param {Figure} figure @param {number} [side] @param {RowName | null} [unit] */
export function hover(figure, side, unit) {
  const same = figure.hovered[0] === side && figure.hovered[1] === unit
  figure.hovered = [side, unit]
  const framed = (/** @type {number} */ one) => (one === side && typeof unit === "number" ? unit : undefined)
  if (!same || unit === undefined) outline(figure, figure.over, framed, "gs-mark gs-over")
}

// The two ends of the scale of values: against, for.
/** @param {Figure} figure @param {Content} content @returns {tint.Colors} */
export function tintColors(figure, content) {
  const light = content.figure.layout.coloraxis2
  const { colorscale } = { ...light, ...(figure.dark ? content.dark.layout.coloraxis2 : {}) }
  return [colorscale[0][1], colorscale[colorscale.length - 1][1]]
}
