// Everything that follows the cursor: the words that are tinted, the values beside the grid, and what is said of them.
import { toSide } from "../page/align.js"
import * as screen from "../page/screen.js"
import { grouped, list, tr } from "../page/words.js"
import { alone, called, placeAt } from "./clauses.js"
import * as labels from "./labels.js"
import { tintColors } from "./over.js"
import { heat, ofUnits } from "./panels.js"
import * as readout from "./readout.js"
import * as telling from "./telling.js"
import * as tint from "./tint.js"

/** @import { Figure } from "./gates.js" */
/** @import { Content, Geometry, Heat } from "./types.d.ts" */

/** @param {Figure} figure @param {Content} content @param {Geometry} geometry @param {readout.Parts} parts */
export function follow(figure, content, geometry, parts) {
  const { sides, at, count, units, root, stage, el } = figure
  const steps = sides.map((_, k) => toSide(sides, k, at))
  figure.columns.forEach(({ cursor, words }, k) => {
    const from = figure.view(k)[0]
    const shown = steps[k] - from
    cursor.style.transform = `translateX(${geometry.tops[k].left + shown * figure.pitch[k]}px)`
    labels.mark(words, shown, figure.spoken)
    const nodes = labels.words(words)
    const seen = nodes.map(({ first, last }) => ({ first: first + from, last: last + from }))
    tint.tint(nodes, tint.shares(sides[k].adds, steps[k], seen), tintColors(figure, content))
  })
  el.step.textContent = tr("Step by step at {word} ›", { word: placeAt(sides[0], at) })
  el.step.hidden = !figure.ask
  Object.assign(root.dataset, {
    step: at,
    unit: units[0],
    unit2: units[1] ?? "",
    sort: figure.sortBy,
    only: figure.only ?? "",
  })
  stage.setAttribute("aria-valuemax", String(count))
  stage.setAttribute("aria-valuenow", String(at + 1))
  narrate(figure, content, parts)
  root.dispatchEvent(new CustomEvent("gs:cursor"))
}

// What is said at the cursor. Beginnings of words among the next words may get their ends later: then it is said again.
/** @param {Figure} figure @param {Content} content @param {readout.Parts} parts */
export function narrate(figure, content, parts) {
  const { sides, at, count, units, root, stage, el } = figure
  const steps = sides.map((_, k) => toSide(sides, k, at))
  const here = { word: alone(sides[0], at), step: at + 1, count }
  const now = telling.valuesAt(sides, steps, units, (k) => values(figure, content, k, steps[k]))
  stage.setAttribute(
    "aria-valuetext",
    now && !screen.guided() // where the line above says the same
      ? tr("{word}, step {step} of {count}: {values}", { ...here, values: now })
      : tr("{word}, step {step} of {count}", here),
  )
  readout.update(parts, sides, steps, at, count)
  const told = sides.map((_, k) => story(figure, content, k, steps[k]))
  el.caption.textContent = grouped(
    screen.guided()
      ? telling.atWord(sides, steps, units, (k) => values(figure, content, k, steps[k]))
      : telling.together(told[0], telling.expectation(sides, steps)),
  )
  const names = list(sides.map((_, k) => called(sides, k)))
  const about = tr("Gates of {names} on {count} steps.", { names, count })
  root.setAttribute("aria-label", [about, ...told].reduce(telling.together))
}

// What the unit of a side has done with its memory by a step.
/** @param {Figure} figure @param {Content} content @param {number} k @param {number} step */
function story({ sides, units, rows }, content, k, step) {
  const { memory } = sides[k]
  /** @type {(name: string | null, label: string) => { label: string, values: ArrayLike<number> }} */
  const signal = (name, label) => ({ label, values: rows.row(k, name, units[k]) ?? [] })
  /** @type {(role: string) => { label: string, values: ArrayLike<number> } | null} */
  const played = (role) => {
    const panel = content.figure.layout.meta.panels.filter(heat).find(({ side, row }) => side === k && row === role)
    return panel ? signal(panel.signal, panel.label) : null
  }
  const [keep, scale] = [played("keep"), played("normaliser")]
  return telling.unit(sides, k, units[k], keep, signal(memory, memory), step, scale)
}

// What the unit's signals are at a step: those of the row that is drawn alone, or its gates and its memory.
/** @param {Figure} figure @param {Content} content @param {number} k @param {number} step */
function values({ sides, units, rows, only }, content, k, step) {
  const { memory } = sides[k]
  const { data, layout } = content.figure
  const { panels, strips } = layout.meta
  /** @type {(panel: Heat) => boolean} */
  const gate = ({ row, signal }) =>
    /^\w+$/.test(signal ?? "") &&
    data.some(({ meta, coloraxis }) => meta.side === k && meta.role === row && coloraxis === "coloraxis") // "1 - z" says what z does
  /** @type {(panel: Heat) => boolean} */
  const told = (panel) => (only && !strips.includes(only) ? panel.row === only : gate(panel) || panel.signal === memory)
  const own = panels.filter(ofUnits).filter((panel) => panel.side === k && told(panel))
  return own.flatMap(({ signal, label }) => {
    const value = rows.row(k, signal, units[k])?.[step]
    return value === undefined ? [] : [{ label, value, memory: signal === memory }]
  })
}
