// What if: a run again with some of its signals forced, as lstm_core/analysis/intervene.py does it. A step in which nothing
// is forced is the cell's own; another goes by its equations as the page shows them, each signal replaced once computed.
import { last } from "../gates/letting_go.js"
import { ofText } from "../page/align.js"
import { run } from "./run.js"
import { valuesOf } from "./units.js"
import { evaluate, leaf } from "./walk.js"

/** @import { Read } from "../types.d.ts" */
/** @import { Parameters, Reading, Run, Values, Vector } from "./types.d.ts" */

/** Units: all where there are none; ``from`` and ``to``: steps, the last one not among them, of whichever text: what is
 * forced stays what it was when another is typed.
 * @typedef {{ signal: string, value: number | "flip", units: number[] | null, from: number, to: number }} Force */

// What is forced at a click, of the unit and at the step that are spoken of; empty where the cell has no such thing.
/** @type {Record<string, (reading: Reading, run: Run, unit: number, step: number, read: Read) => Force[]>} */
export const KINDS = {
  keep: kept,
  turn: ({ memory }, _, unit, step) => [{ signal: memory, value: "flip", units: [unit], from: step, to: step + 1 }],
  erase: ({ memory }, _, unit) => [{ signal: memory, value: 0, units: [unit], from: 0, to: Infinity }],
  silence: (_, __, ___, step) => [{ signal: "h", value: 0, units: null, from: step, to: step + 1 }],
}

// Where the unit lets go last, over as many steps as that takes, its keep gate is open and nothing is written; empty where
// it lets go of nothing.
/** @param {Reading} reading @param {Run} run @param {number} unit @param {number} _ @param {Read} read @returns {Force[]} */
function kept(reading, run, unit, _, read) {
  const keep = reading.keep === null ? null : valuesOf(reading, run, reading.keep)
  const memory = valuesOf(reading, run, reading.memory)
  const scale = reading.scale === null ? null : valuesOf(reading, run, reading.scale)
  if (!keep || !memory) return []
  const sum = (/** @type {number} */ t) => (scale ? scale[t][unit] : 1)
  const held = (/** @type {number} */ t) => (sum(t) > 0 ? memory[t][unit] / sum(t) : 0)
  const steps = Array.from(memory.keys()).filter((t) => ofText(read, t))
  const order = reading.direction === 1 ? steps.reverse() : steps
  const gone = last(
    order.map((t, n) => {
      const before = n ? order[n - 1] : -1
      const share = scale && n && sum(before) > 0 && sum(t) > 0 ? sum(before) / sum(t) : 1
      return { keep: keep[t][unit] * share, now: held(t), old: n ? held(before) : 0 }
    }),
  )
  if (!gone) return []
  const ends = [order[gone[0]], order[gone[1] - 1]]
  const [from, to] = [Math.min(...ends), Math.max(...ends) + 1]
  return reading.holds.map(([signal, value]) => ({ signal, value, units: [unit], from, to }))
}

// Those of which a text of ``count`` steps has a step, and no further than it goes.
/** @type {(forces: Force[], count: number) => Force[]} */
export const within = (forces, count) =>
  forces.flatMap((force) => (force.from < count ? [{ ...force, to: Math.min(force.to, count) }] : []))

// The run with ``forces`` in the layer and direction that are drawn; ``equations``: of the walk, as the page carries them.
/** @param {Reading} reading @param {Run} before @param {Force[]} forces @param {Record<string, any>} equations
 * @returns {Run} */
export function forced({ model, cell, declared, layer, direction }, { ids }, forces, equations) {
  return run(model, cell, declared, ids, null, (at, p, x, s) => {
    if (at.layer !== layer || at.direction !== direction) return null
    const now = forces.filter(({ from, to }) => from <= at.step && at.step < to)
    return now.length ? step(equations, now, p, x, s) : null
  })
}

/** @param {Record<string, any>} equations @param {Force[]} forces @param {Parameters} p @param {Vector} x
 * @param {Values} s @returns {Values} */
function step(equations, forces, p, x, s) {
  /** @type {Values} */
  const values = {}
  const known = new Map()
  const of = leaf(p, (kind, name) => (kind === "x" ? x : kind === "v" ? values[name] : s[name]))
  for (const [name, { tree }] of Object.entries(equations)) {
    const value = Float64Array.from(/** @type {Vector} */ (evaluate(tree, of, known)))
    for (const { signal, value: wanted, units } of forces) {
      if (signal !== name) continue
      for (const unit of units ?? value.keys()) value[unit] = wanted === "flip" ? -value[unit] : wanted
    }
    values[name] = value
    if (typeof tree.v === "number") known.set(tree.v, value)
  }
  return values
}
