// What lies over Plotly's drawing: labels, the legend of the colours, the marks of the chosen units.
import { make } from "../page/dom.js"
import { digits, minus } from "../page/numbers.js"
import { tr } from "../page/words.js"
import { heat, ofUnits } from "./panels.js"

/** @import { Named } from "../types.d.ts" */
/** @import { DrawnFigure, DrawnLine, Geometry, Label, Placed, Scale, Strip } from "./types.d.ts" */

/** @type {(value: number) => string} */
const compact = (value) => {
  if (Number.isInteger(value)) return minus(String(value))
  return minus(value.toFixed(Math.abs(value) < 1 ? (digits([value]) ?? 2) : 1))
}

const AXIS = "coloraxis" // and a number, but of the first
const ROLES = 46 // pixels from the names of the rows to the panels: "1 − z" stands between

// All labels as {x, y, text, anchor, kind, size, color, title}; the page and the saved picture both draw them.
// ``ends(side)``: what the two ends of its unit's memory mean, {high, low}, if anything. ``rows(panel)``: how many it has.
/** @param {object} figure
 * @param {Placed[]} figure.panels
 * @param {Geometry} figure.geometry
 * @param {DrawnFigure} figure.drawn
 * @param {(side: number) => number} figure.last step in view
 * @param {string} figure.quiet colour
 * @param {(side: number) => Named | undefined} figure.ends
 * @param {(panel: Placed) => number} figure.rows
 * @returns {Label[]} */
export function labels({ panels, geometry, drawn, last, quiet, ends, rows }) {
  /** @type {Label[]} */
  const found = []
  for (const panel of panels) {
    const { box } = panel
    const middle = box.y + box.height / 2
    const leftmost = panel.side === 0 || geometry.narrow
    /** @type {(text: string, y: number, kind: string, size: number, color?: string) => unknown} */
    const role = (text, y, kind, size, color) =>
      leftmost && found.push({ x: box.x - ROLES, y, text, anchor: "right", kind, size, color, title: panel.meaning })
    /** @type {(text: string, y: number) => unknown} */
    const tick = (text, y) =>
      found.push({ x: box.x - 5, y, text, anchor: "right", kind: "gs-tick", size: 10, color: quiet })
    if (panel.kind === "strip") {
      role(panel.title, middle - 7, "gs-role", 12)
      role(tr("of the unit"), middle + 8, "gs-reason", 11, quiet)
    } else {
      const lines = panel.title.split(" ") // two words are wider than the margin
      lines.forEach((line, k) => role(line, middle + 14 * (k - (lines.length - 1) / 2), "gs-role", 12))
    }
    if (panel.empty)
      found.push({ x: box.x + 8, y: middle, text: panel.empty, kind: "gs-reason", size: 11, color: quiet })
    else if (panel.kind === "strip") {
      const high = panel.row === "gates" ? 1 : panel.high
      const low = panel.row === "gates" ? 0 : -high
      const [above, below] = [
        Math.max(height(panel, high), box.y + 2),
        Math.min(height(panel, low), box.y + box.height - 2),
      ]
      tick(compact(high), above)
      tick(compact(low), below)
      const named = panel.row === "values" ? ends(panel.side) : undefined
      const end = { x: box.x + 4, kind: "gs-end", size: 11, color: quiet }
      if (named) found.push({ ...end, y: above, text: named.high }, { ...end, y: below, text: named.low })
      found.push(...lineLabels(panel, drawn, last(panel.side)))
    } else
      found.push({
        x: box.x - 6,
        y: middle,
        text: panel.label,
        anchor: "right",
        kind: "gs-letter",
        size: 13,
        title: panel.meaning,
      })
    if (heat(panel) && panel.others) {
      const y = box.y + box.height * (1 - 1.5 / rows(panel)) // the middle of its last three rows
      found.push({
        x: box.x + box.width + 2,
        y,
        text: `+${panel.others}`,
        kind: "gs-tick",
        size: 10,
        color: quiet,
        title: tr("{count} other units", { count: panel.others }),
      })
    }
  }
  return found
}

// Where a value stands in a line plot: 0 to 1 for gates, symmetric for values, with a little room for the line's width.
/** @param {Pick<Placed, "row" | "high" | "box">} panel @param {number} value */
export function height({ row, high, box }, value) {
  const [bottom, top] = row === "gates" ? [-0.06, 1.06] : [-1.08 * high, 1.08 * high]
  return box.y + (box.height * (top - value)) / (top - bottom)
}

// Letters at the right end of the lines, moved apart where lines end together.
/** @param {Placed<Strip>} panel @param {DrawnFigure} drawn @param {number} last @returns {Label[]} */
function lineLabels(panel, drawn, last) {
  const { box } = panel
  const ends = drawn.data
    .filter((one) => one.type === "scatter")
    .filter(({ meta }) => meta.side === panel.side && meta.strip === panel.row)
    .map((one) => ({ text: minus(one.meta.signal), color: one.line.color, y: height(panel, one.values[last]) }))
    .sort((a, b) => a.y - b.y)
  ends.forEach((end, k) => {
    if (k) end.y = Math.max(end.y, ends[k - 1].y + 12)
  })
  const over = ends.length ? Math.max(0, ends[ends.length - 1].y - (box.y + box.height - 2)) : 0
  return ends.map(({ y, ...end }) => ({
    ...end,
    x: box.x + box.width + 4,
    y: y - over,
    kind: "gs-line-letter",
    size: 12,
  }))
}

/** @param {HTMLElement} layer @param {Label[]} all */
export function drawLabels(layer, all) {
  layer.replaceChildren(
    ...all.map((label) =>
      make("span", {
        class: `gs-label gs-${label.anchor ?? "left"} ${label.kind}`,
        text: label.text,
        title: label.title,
        style: {
          left: `${label.x}px`,
          top: `${label.y}px`,
          color:
            label.kind === "gs-line-letter"
              ? `color-mix(in srgb, ${label.color} 55%, var(--st-text-color))`
              : label.color,
        },
      }),
    ),
  )
}

// What the colours mean: one bar for each scale in use. ``title(side)``: what a side is called.
/** @param {HTMLElement} root @param {DrawnFigure} drawn @param {(side: number) => string} title */
export function legend(root, drawn, title) {
  root.replaceChildren(
    ...scales(drawn, title).map(({ colors, range, letters }) => {
      const stops = colors.map(([at, color]) => `${color} ${100 * at}%`).join(", ")
      return make(
        "div",
        { class: "gs-scale" },
        make("span", { class: "gs-scale-bar", style: { background: `linear-gradient(to right, ${stops})` } }),
        make("span", { text: range }),
        make("em", { text: letters }),
      )
    }),
  )
}

// The scales of colours that are drawn with: the colours, from where to where, and of which signals. A letter that stands
// for one thing in one cell and for another in the other, on two scales, is said with its side.
/** @param {DrawnFigure} drawn @param {(side: number) => string} title */
export function scales({ data, layout }, title) {
  const heatmaps = data.filter((one) => one.type === "heatmap")
  const axes = [...new Set(heatmaps.map((one) => one.coloraxis))].sort(
    (a, b) => Number(a.slice(AXIS.length)) - Number(b.slice(AXIS.length)),
  )
  /** @type {(one: typeof heatmaps[number]) => string} */
  const letter = ({ meta }) =>
    layout.meta.panels.filter(heat).find(({ side, row }) => side === meta.side && row === meta.role)?.label ||
    minus(meta.signal)
  /** @type {(axis: string) => string} */
  const look = (axis) => JSON.stringify([layout[axis].colorscale, layout[axis].cmin, layout[axis].cmax])
  return [...new Set(axes.map(look))].map((own) => {
    /** @type {Scale} */
    const { colorscale, cmin, cmax } = layout[axes.find((axis) => look(axis) === own) ?? ""]
    const [here, others] = [true, false].map((on) => heatmaps.filter((one) => (look(one.coloraxis) === own) === on))
    const elsewhere = new Set(others.map(letter))
    const letters = new Set(
      here.map((one) =>
        elsewhere.has(letter(one))
          ? tr("{letter} ({title})", { letter: letter(one), title: title(one.meta.side) })
          : letter(one),
      ),
    )
    const range = tr("{low} to {high}", { low: compact(cmin), high: compact(cmax) })
    return { colors: colorscale, range, letters: [...letters].join(", ") }
  })
}

// A frame round a unit's row in every panel. `rank(panel)` is its row, -1 for none, and `count(panel)` the number of rows.
/** @param {HTMLElement[]} marks @param {HTMLElement} stage @param {Element} before @param {Placed[]} panels
 * @param {(panel: Placed) => number} rank @param {(panel: Placed) => number} count */
export function mark(marks, stage, before, panels, rank, count, look = "gs-mark") {
  const wanted = panels.filter(ofUnits)
  while (marks.length < wanted.length) {
    const node = make("div", { class: look })
    marks.push(node)
    stage.insertBefore(node, before)
  }
  marks.forEach((node, k) => {
    const row = wanted[k] ? rank(wanted[k]) : -1
    node.hidden = row < 0
    if (row < 0) return
    const { box } = wanted[k]
    const tall = box.height / count(wanted[k])
    Object.assign(node.style, {
      left: `${box.x - 2}px`,
      top: `${box.y + row * tall - 1}px`,
      width: `${box.width + 4}px`,
      height: `${Math.max(3, tall) + 2}px`,
    })
  })
}
