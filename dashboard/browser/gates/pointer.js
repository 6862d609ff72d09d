// Mouse, finger and keys on a figure: they move the cursor, choose a unit, show a value.
import { fromSide, stepCount, wordAt } from "../page/align.js"
import { make } from "../page/dom.js"
import { clamp, number } from "../page/numbers.js"
import { brief, quoted, unitName } from "../page/naming.js"
import { focused, ours, within } from "../page/screen.js"
import { tr } from "../page/words.js"
import { openStep } from "./elements.js"
import { hover } from "./over.js"
import { heat, ofUnits } from "./panels.js"

/** @import { Figure } from "./gates.js" */
/** @import { Heat, Placed, RowName, Side } from "./types.d.ts" */

// What ends it is returned.
/** @param {Figure} figure */
export function listen(figure) {
  const { stage } = figure
  /** @type {(event: MouseEvent) => [x: number, y: number]} */
  const inside = (event) => within(stage, event)
  /** @type {(x: number, y: number) => Placed | undefined} */
  const panelAt = (x, y) =>
    figure.panels.find(({ box }) => x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height)
  /** @type {(panel: Placed, x: number) => number} */
  const stepAt = (panel, x) =>
    clamp(
      figure.view(panel.side)[0] + Math.floor((x - panel.box.x) / figure.pitch[panel.side]),
      0,
      stepCount(figure.sides[panel.side]) - 1,
    )
  /** @type {(panel: Placed, y: number) => RowName} */
  const unitAt = (panel, y) => {
    const order = figure.rowsOf(panel)
    return order[clamp(Math.floor(((y - panel.box.y) / panel.box.height) * order.length), 0, order.length - 1)]
  }
  /** @type {(panel: Placed, x: number) => void} */
  const move = (panel, x) => figure.moveTo(fromSide(figure.sides, panel.side, stepAt(panel, x)))
  /** @type {{ panel: Placed, x: number, y: number, dragged: boolean } | null} */
  let down = null
  // The second press of a double click: the figure may have moved under it, and what the first one chose stays.
  let last = { timeStamp: -Infinity, clientX: 0, clientY: 0 }
  const second = (/** @type {PointerEvent} */ event) => {
    const near =
      event.timeStamp - last.timeStamp < 500 &&
      Math.hypot(event.clientX - last.clientX, event.clientY - last.clientY) < 4
    last = event
    return near
  }
  stage.onpointerdown = (event) => {
    const [x, y] = inside(event)
    const panel = panelAt(x, y)
    if (!panel || event.button || second(event)) return
    down = { panel, x, y, dragged: false } // what is said above the figure may grow with the cursor, and push it down
    stage.setPointerCapture(event.pointerId)
    figure.play(false)
    move(panel, x)
  }
  stage.onpointermove = (event) => {
    const [x, y] = inside(event)
    if (down) {
      down.dragged ||= Math.abs(x - down.x) > 3
      move(down.panel, x)
    }
    const panel = panelAt(x, y)
    const drawn = panel && heat(panel) ? panel : undefined
    const row = drawn ? unitAt(drawn, y) : "gap"
    hover(figure, panel?.side, drawn?.sources ? null : row)
    if (!drawn || row === "gap") figure.tip.hidden = true
    else showTip(figure, drawn, stepAt(drawn, x), row, event)
  }
  stage.onpointerup = () => {
    if (down && !down.dragged && ofUnits(down.panel)) {
      const unit = unitAt(down.panel, down.y)
      if (typeof unit === "number") figure.pickUnit(down.panel.side, unit) // the band below stands for many
    }
    down = null
  }
  // The first click has moved the cursor here and chosen the unit.
  stage.ondblclick = (event) => {
    const panel = panelAt(...inside(event))
    if (panel && ofUnits(panel) && figure.ask) openStep(figure)
  }
  stage.onpointercancel = () => (down = null)
  stage.onpointerleave = () => {
    figure.tip.hidden = true
    hover(figure)
  }
  const onKey = (/** @type {KeyboardEvent} */ event) => press(figure, event)
  document.addEventListener("keydown", onKey)
  return () => document.removeEventListener("keydown", onKey)
}

/** @param {Figure} figure @param {Placed<Heat>} panel @param {number} step @param {RowName} row @param {MouseEvent} event */
function showTip(figure, panel, step, row, event) {
  const value = figure.rows.row(panel.side, panel.signal, row)?.[step] ?? NaN
  const side = figure.sides[panel.side]
  const back = panel.sources && typeof row === "number"
  const name = back ? tr("back to “{word}”", { word: brief(wordAt(side, row)[0]) }) : rowName(panel, side, row)
  figure.tip.replaceChildren(
    make("strong", { text: `${panel.label} = ${number(value)}` }),
    make("span", { text: `${name}, ${quoted(wordAt(side, step)[0])}` }),
    make("span", { text: panel.meaning }),
    ...(figure.ask && !panel.sources ? [make("span", { text: tr("Double-click: this word step by step") })] : []),
  )
  figure.tip.hidden = false
  const [x, y] = within(figure.root, event)
  Object.assign(figure.tip.style, { left: `${clamp(x + 14, 0, figure.root.clientWidth - 260)}px`, top: `${y + 16}px` })
}

// What a row of a panel is called: its unit, or what it is of the band below, as lstm_core/drawing/band.py has it.
/** @param {Heat} panel @param {Side} side @param {RowName} row */
function rowName({ others: count }, side, row) {
  if (row === "high") return tr("exceeded by a tenth of the other {count} units", { count })
  if (row === "median") return tr("exceeded by half of the other {count} units", { count })
  if (row === "low") return tr("exceeded by nine tenths of the other {count} units", { count })
  return typeof row === "number" ? unitName(side, row) : ""
}

// A clicker's keys and the arrows work wherever nobody is writing; the other keys do not take scrolling from the page.
/** @param {Figure} figure @param {KeyboardEvent} event */
function press(figure, event) {
  if (!figure.count || !ours(figure.root, event)) return
  const focus = focused(figure.root)
  const here = focus === figure.stage
  const button = figure.root.contains(focus) && !here // which the space bar presses
  const [back, on] = [() => figure.moveTo(figure.at - 1), () => figure.moveTo(figure.at + 1)]
  /** @type {Record<string, () => void>} */
  const anywhere = { ArrowLeft: back, ArrowRight: on, PageUp: back, PageDown: on }
  /** @type {Record<string, () => void>} */
  const free = {
    Home: () => figure.moveTo(0),
    End: () => figure.moveTo(figure.count - 1),
    " ": () => figure.play(!figure.timer),
    "+": () => figure.zoom(0.5),
    "-": () => figure.zoom(2),
    f: () => figure.fullScreen(),
  }
  /** @type {Record<string, () => void>} */
  const onStage = { ArrowUp: () => figure.stepUnit(-1), ArrowDown: () => figure.stepUnit(1) }
  const row = /^[0-9]$/.test(event.key) ? () => figure.pickRow(Number(event.key)) : undefined
  const act =
    anywhere[event.key] ?? row ?? (button ? undefined : free[event.key]) ?? (here ? onStage[event.key] : undefined)
  if (!act) return
  event.preventDefault()
  act()
}
