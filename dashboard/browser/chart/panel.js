// A panel of an analysis page: a heading, a sentence, a legend and a Plotly figure.
import { make } from "../page/dom.js"
import { plain } from "../page/markup.js"
import { height, rect } from "../page/screen.js"

/** @import { Axis, Layout, PlotlyElement, Trace } from "../types.d.ts" */
/** @import { Chart } from "./chart.js" */

/** What lstm_core/drawing/panel.py makes. ``stamp``: a digest of the panel.
 * @typedef {{ id: string, title: string, figure: { data: Trace[], layout: Layout } | null, height: number, stamp: number,
 *   text?: string, note?: string, alt?: string, wide?: boolean, level?: number }} Content */

const CONFIG = { displayModeBar: false, showSendToCloud: false, scrollZoom: false }

export class Panel {
  /** @param {Chart} chart @param {string} id */
  constructor(chart, id) {
    this.chart = chart
    this.title = make("h2")
    this.text = make("p", { class: "gc-text" })
    this.legend = make("p", { class: "gc-legend" })
    this.plot = /** @type {PlotlyElement & HTMLDivElement} */ (make("div", { class: "gc-plot" }))
    this.note = make("p", { class: "gc-note" })
    const parts = [this.title, this.text, this.legend, this.plot, this.note]
    this.box = make("section", { class: "gc-panel", test: `gc-${id}` }, ...parts)
    this.stamp = ""
    this.listening = false
  }

  // The texts; whether the figure has to be drawn.
  /** @param {Content} content */
  write(content) {
    const { chart } = this
    const alone = chart.alone === content.id
    this.box.hidden = chart.alone !== undefined && !alone
    const stamp = [content.stamp, chart.dark, chart.root.clientWidth, chart.content?.columns, alone].join(" ")
    if (this.box.hidden || this.stamp === stamp) return false
    this.stamp = stamp
    this.title.textContent = content.title
    this.title.setAttribute("aria-level", String(content.level ?? 2))
    this.text.textContent = content.text ?? ""
    this.note.textContent = content.note ?? ""
    this.box.style.gridColumn = content.wide || alone ? "1 / -1" : ""
    const { figure } = content
    const named = figure?.layout.showlegend ? figure.data.filter((one) => one.name && one.showlegend !== false) : []
    this.legend.replaceChildren(...named.map(key))
    this.plot.hidden = !figure
    this.plot.setAttribute("role", "img")
    this.plot.setAttribute("aria-label", content.alt ?? content.title)
    return Boolean(figure)
  }

  /** @param {Content} content @param {number} width */
  draw({ id, figure, height: least }, width) {
    if (!figure) return undefined
    const { chart, plot } = this
    const { family } = chart
    const scrolled = document.querySelector(".stMain")?.scrollTop ?? 0
    const room = id === chart.alone ? height() - rect(plot).top - scrolled - 24 : 0 // what is left of the window
    /** @type {Layout} */
    const layout = { ...figure.layout, height: Math.max(least, room), width: width || undefined, showlegend: false }
    layout.font = { ...layout.font, family }
    const { l, r, t, b } = layout.margin
    layout.xaxis = roomy(layout.xaxis, width - l - r)
    const more = layout.xaxis === figure.layout.xaxis ? 0 : deeper(layout.xaxis, b)
    layout.margin = { ...layout.margin, b: b + more }
    layout.height += more
    layout.yaxis = roomy(layout.yaxis, layout.height - t - layout.margin.b, true)
    const dark = chart.content?.dark
    if (chart.dark && dark) {
      Object.assign(layout, dark, { font: { ...dark.font, family } })
      for (const name of ["coloraxis", "coloraxis2"]) {
        const axis = figure.layout[name]
        if (axis) layout[name] = { ...axis, colorscale: dark[name].colorscale }
      }
    }
    const drawing = window.Plotly.react(plot, figure.data, layout, CONFIG)
    if (!this.listening) {
      this.listening = true
      plot.on("plotly_click", ({ points }) => {
        const step = picked(plot.layout.meta, points[0])
        if (step !== undefined) chart.choose(step)
      })
    }
    return drawing
  }

  close() {
    window.Plotly?.purge(this.plot)
    this.box.remove()
  }
}

// The step of the row that a click chooses. ``pick``: which of the point's coordinates is a step; ``at``: that of the row by
// the figure's own, where its model cuts the text differently.
/** @param {{ pick?: string, at?: number[] } | undefined} meta @param {Record<string, any> | undefined} point
 * @returns {number | undefined} */
export function picked(meta, point) {
  const place = point?.[meta?.pick ?? ""]
  if (!Number.isFinite(place)) return undefined
  const step = Math.round(place)
  return meta?.at?.[step] ?? step
}

// A trace's name beside a piece of its line, or its mark.
/** @param {Trace} one */
function key(one) {
  const { color, symbol } = { ...one.line, ...one.marker, symbol: one.marker?.symbol }
  const kind = one.mode === "markers" ? sign(symbol) : one.type === "bar" ? "bar" : (one.line.dash ?? "solid")
  return make("span", {}, make("i", { class: `gc-key gc-${kind}`, style: { color } }), plain(one.name ?? ""))
}

// What a mark looks like in the legend, as it does in the figure.
/** @param {string} [symbol] as Plotly names it */
export function sign(symbol = "circle") {
  if (symbol.startsWith("line")) return "tick"
  if (symbol.startsWith("diamond")) return "diamond"
  return symbol.endsWith("open") ? "ring" : "mark"
}

// Pixels from a line of labels to the next.
const LINE = 14
const TICK = 22 // pixels that its mark and the gap below it take, as the server counts

/** @param {string} label */
const lowered = (label) => label.startsWith("<br>")

/** @param {number} angle */
const sine = (angle) => Math.abs(Math.sin((angle * Math.PI) / 180))

// How many pixels more than ``room`` labels take that have found theirs.
/** @param {Axis} axis @param {number} room */
function deeper(axis, room) {
  if (!axis.tickangle) return axis.ticktext.some(lowered) ? LINE : 0
  const longest = Math.max(0, ...axis.ticktext.map(plain).map(wide))
  return Math.max(0, Math.ceil(TICK + sine(axis.tickangle) * longest - room))
}

// Of an axis with upright labels those that find room: side by side or, below an x axis, every second one a line lower;
// of more than that every second label, every third, ...
/** @param {Axis | undefined} axis @param {number} length */
export function roomy(axis, length, down = false) {
  if (axis?.tickmode !== "array" || !(length > 0)) return axis
  if (axis.tickangle !== 0) return axis.tickangle ? lying(axis, length, axis.tickangle) : axis
  const lines = axis.ticktext.flatMap((text) => plain(text).split("<br>"))
  const room = down ? 11 : Math.max(0, ...lines.map(wide))
  const pitch = axis.tickvals[1] - axis.tickvals[0] || 1
  const needed = Math.max(1, Math.ceil((room * reach(axis)) / length / pitch))
  const staggered = needed > 1 && !down && lines.length === axis.ticktext.length
  const every = staggered ? Math.ceil(needed / 2) : needed
  /** @type {(_: unknown, k: number) => boolean} */
  const kept = (_, k) => k % every === 0
  const shown = axis.ticktext.filter(kept)
  const ticktext = staggered ? shown.map((label, k) => (k % 2 ? `<br>${label}` : label)) : shown
  return { ...axis, tickvals: Array.from(axis.tickvals).filter(kept), ticktext }
}

// From one end of an axis to the other; of one that Plotly ranges itself, from its first label to its last.
/** @param {Axis} axis */
function reach({ range, tickvals }) {
  const [first, last] = range ?? [tickvals[0], tickvals[tickvals.length - 1]]
  return Math.abs(last - first) || 1
}

// Pixels from one label on the slant to the next, and from a line of one to its next.
const [LANE, BELOW] = [9, 15]

// Of an axis with labels on the slant those that find room: where two lines do not, as one, "Mary/John"; of more than that
// every second label, every third, ...
/** @param {Axis} axis @param {number} length @param {number} angle @returns {Axis} */
function lying(axis, length, angle) {
  const at = Array.from(axis.tickvals)
  const unit = (sine(angle) * length) / reach(axis)
  /** @param {string} label @param {number} apart */
  const clear = (label, apart) => apart * unit >= LANE + BELOW * (label.split("<br>").length - 1)
  const one = axis.ticktext.map((label) => label.replaceAll("<br>", "/"))
  for (let every = 1; ; every++) {
    const kept = at.map((_, k) => k).filter((k) => k % every === 0)
    for (const labels of every > 1 ? [one] : [axis.ticktext, one]) {
      if (!kept.slice(1).every((k) => clear(labels[k - every], at[k] - at[k - every]))) continue
      return labels === axis.ticktext
        ? axis
        : { ...axis, tickvals: kept.map((k) => at[k]), ticktext: kept.map((k) => labels[k]) }
    }
  }
}

// Pixels that a label takes.
/** @param {string} line */
const wide = (line) => [...line].reduce((sum, char) => sum + (char > "\u2e80" ? 11 : 7), 0)
