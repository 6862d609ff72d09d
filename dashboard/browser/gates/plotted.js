// Plotly's figure for a size, a page's colour, and a choice of units and order: one pair of axes, in pixels of the stage,
// holds every panel, because each further pair costs Plotly more than what it draws. Rows are views: nothing is copied.
import * as overlay from "./overlay.js"

/** @import { Row } from "../types.d.ts" */
/** @import { Figure } from "./gates.js" */
/** @import { Content, DrawnFigure, DrawnHeatmap, DrawnLine, Geometry, Heatmap, Layout, Line, Panel, Placed, RowName } from "./types.d.ts" */

/** A figure as far as it says what is seen.
 * @typedef {Pick<Figure, "panels" | "pitch" | "view" | "rows" | "sortBy" | "units" | "dark">} Seen */

/** @param {Content} content @param {Seen} seen @param {Geometry} geometry @returns {DrawnFigure} */
export function plotted({ figure, dark }, seen, { width, height }) {
  const bare = { visible: false, fixedrange: true }
  /** @type {Layout} */
  const layout = {
    ...figure.layout,
    ...(seen.dark ? dark.layout : {}),
    width,
    height,
    autosize: false,
    xaxis: { ...bare, range: [0, width] },
    yaxis: { ...bare, range: [height, 0] },
  }
  for (const [name, axis] of Object.entries(figure.layout)) {
    if (seen.dark && /^coloraxis\d/.test(name))
      layout[name] = { ...axis, colorscale: dark.layout[axis.cmin === 0 ? "coloraxis" : "coloraxis2"].colorscale }
  }
  const colors = seen.dark ? dark.lines : {}
  const data = figure.data.flatMap((one) => {
    const row = one.type === "heatmap" ? one.meta.role : one.meta.strip
    const panel = seen.panels.find((found) => found.side === one.meta.side && found.row === row)
    if (!panel) return []
    return one.type === "heatmap" ? heatmap(one, panel, seen) : line(one, panel, seen, colors)
  })
  return { data, layout }
}

/** @param {Heatmap} one @param {Placed} panel @param {Seen} seen @returns {DrawnHeatmap} */
function heatmap(one, panel, seen) {
  const { side, signal } = one.meta
  const { box } = panel
  const names = seen.rows.of(panel, seen.sortBy)
  const [dx, dy] = [seen.pitch[side], box.height / names.length]
  const row = (/** @type {RowName} */ name) => /** @type {Row} */ (seen.rows.row(side, signal, name))
  const z = names.map((name) => row(name).subarray(...seen.view(side)))
  return { ...one, z, x0: box.x + dx / 2, dx, y0: box.y + dy / 2, dy }
}

// A value is held over the width of its step's cell in the heatmaps. A projected h has no line of a unit beyond its own.
/** @param {Line} one @param {Placed} panel @param {Seen} seen @param {Record<string, string>} colors
 * @returns {DrawnLine | []} */
function line(one, panel, seen, colors) {
  const { side, signal, role } = one.meta
  const values = seen.rows.row(side, signal, seen.units[side])
  if (!values) return []
  const y = Array.from(values.subarray(...seen.view(side)), (value) => overlay.height(panel, value))
  const pitch = seen.pitch[side]
  const x = Array.from({ length: y.length + 1 }, (_, k) => panel.box.x + k * pitch)
  const look = { ...one.line, color: colors[role] ?? one.line.color, width: pitch < 4 ? 1 : 2 }
  return { ...one, values, x, y: [...y, y[y.length - 1]], line: look }
}

// The largest size of a line in the panel of values, at least 1.
/** @param {Panel} panel @param {Pick<Seen, "rows" | "units">} seen */
export function reach(panel, { rows, units }) {
  if (panel.kind !== "strip" || panel.row !== "values") return 1
  const lines = panel.signals.map((signal) => rows.row(panel.side, signal, units[panel.side]) ?? new Float32Array())
  return Math.max(1, ...lines.map((line) => line.reduce((most, value) => Math.max(most, Math.abs(value)), 0)))
}
