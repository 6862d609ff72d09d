// Sizes: how wide a step is, how the words are drawn, where each panel stands.
import * as screen from "../page/screen.js"
import { arrange } from "./geometry.js"
import * as labels from "./labels.js"
import { plotted, reach } from "./plotted.js"

/** @import { Box } from "../types.d.ts" */
/** @import { Figure } from "./gates.js" */
/** @import { Content, DrawnFigure, Geometry, Label, Panel } from "./types.d.ts" */

/** What is drawn.
 * @typedef {{ figure: DrawnFigure, geometry: Geometry, plan: labels.Plan, labels: Label[] }} Drawn */

const THICK = 3 // pixels of a row at least, where not all units have one
const ON_THE_WALL = 28 // of a panel at least in a talk, where all of them are to be seen at once

// All rows, or one of them alone.
/** @param {Figure} figure @param {Content} content @returns {Drawn} */
export function place(figure, content) {
  const { stage, sides, only } = figure
  const { panels, rows, strips } = content.figure.layout.meta
  const seen = (/** @type {string} */ row) => only === null || row === only
  const chosen = panels.filter((panel) => seen(panel.row))
  const most = Math.max(0, ...chosen.filter(banded).map((panel) => figure.rowsOf(panel).length))
  const frame = {
    width: stage.clientWidth,
    height: room(figure, content),
    rows: rows.filter(seen),
    strips: strips.filter(seen),
    sides: sides.length,
    empty: (/** @type {string} */ row, /** @type {number} */ side) =>
      chosen.some((panel) => panel.row === row && panel.side === side && panel.empty),
    least: screen.presenting() ? ON_THE_WALL : Math.max(40, THICK * most),
  }
  labels.fontOf(figure.root)
  const { column } = arrange({ ...frame, wordsHeight: 0 })
  figure.pitch = sides.map((_, k) => {
    const [from, to] = figure.view(k)
    return column / Math.max(1, to - from)
  })
  const plan = labels.plan(sides, figure.pitch)
  const geometry = arrange({ ...frame, wordsHeight: plan.height })
  figure.panels = chosen.map((panel) => {
    const box = geometry.boxes.find(({ row, side }) => row === panel.row && side === panel.side)
    return { ...panel, box: /** @type {Box} */ (box), high: reach(panel, figure) }
  })
  stage.style.height = `${geometry.height}px`
  return { figure: plotted(content, figure, geometry), geometry, plan, labels: [] }
}

/** @type {(panel: Panel) => boolean} */
const banded = (panel) => panel.kind === "panel" && Boolean(panel.others)

// Height for the grid: what the window leaves below the sentence, so that the whole grid can be seen at once.
/** @param {Figure} figure @param {Content} content */
function room(figure, content) {
  if (content.room) return content.room
  const full = document.fullscreenElement === figure.root
  const scrolled = document.querySelector(".stMain")?.scrollTop ?? window.scrollY
  const top = full ? 60 : screen.rect(figure.stage).top + scrolled
  return Math.max(360, screen.height() - Math.min(top, 260) - 8)
}

// What it is drawn for.
/** @param {HTMLElement} root */
export function measure(root) {
  const above = root.childElementCount // a line for a first visit takes its room
  return `${root.clientWidth} ${screen.height()} ${Boolean(document.fullscreenElement)} ${above}`
}
