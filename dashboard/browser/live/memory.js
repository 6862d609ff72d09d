// Who wrote a memory, and what each word speaks for, as lstm_core/analysis/memory.py and influence.py compute it: the state
// is what the words wrote, times what was kept of it since.
import { towards, valuesOf } from "./units.js"

/** @import { Reading, Run, Vector } from "./types.d.ts" */

const LONGEST = 120 // steps of a text of which it is said what each word adds to the next one: a square
const TOLERANCE = 1e-3 // of the largest lead
const TINY = 1e-6 // where the memory is all but empty a quotient loses its digits

// What of the memory after ``step`` each word wrote, of one unit, in the order of the text; null where no gate keeps it.
/** @type {(reading: Reading, run: Run, unit: number, step: number) => Float64Array | null} */
export function contributions(reading, run, unit, step) {
  const keep = reading.keep === null ? null : valuesOf(reading, run, reading.keep)
  const memory = valuesOf(reading, run, reading.memory)
  if (!keep || !memory) return null
  const parts = new Float64Array(memory.length)
  const on = reading.direction === 1 ? -1 : 1 // the way it is read
  let kept = 1
  for (let t = step; t >= 0 && t < memory.length; t -= on) {
    const before = memory[t - on]?.[unit] ?? 0
    parts[t] = kept * (memory[t][unit] - keep[t][unit] * before)
    kept *= keep[t][unit]
  }
  return parts
}

// What each word up to a step adds to the lead of the likeliest next word: the rows of a lower triangle, one behind the
// other. Null where the lead is no sum over the words.
/** @type {(reading: Reading, run: Run) => Float32Array | null} */
export function adds(reading, run) {
  const { model, cell, keep, memory, declared, direction } = reading
  const count = run.ids.length
  const last = model.layers.length - 1
  if (keep === null || run.alpha || model.layers[last].length > 1 || direction || !count || count > LONGEST) return null
  const top = { ...reading, layer: last }
  const [keeps, held] = [valuesOf(top, run, keep), valuesOf(top, run, memory)]
  const output = run.signals[declared.output][last][0]
  if (!keeps || !held || held[0].length !== output[0].length) return null
  const shows = held.map((row, t) => seen(cell, run, last, t, memory, declared.output, row))
  if (shows.some((one) => one === null)) return null
  /** @type {Float64Array[]} */
  const parts = []
  const rows = new Float32Array((count * (count + 1)) / 2)
  let [largest, furthest] = [1, 0]
  for (let t = 0; t < count; t++) {
    const vector = towards(model, run, t)
    if (!vector) return null
    const before = held[t - 1]
    const { counts, empty } = /** @type {{ counts: Vector, empty: Vector }} */ (shows[t])
    const weights = vector.map((value, unit) => value * counts[unit])
    for (const part of parts) for (let unit = 0; unit < part.length; unit++) part[unit] *= keeps[t][unit]
    parts.push(Float64Array.from(held[t], (value, unit) => value - keeps[t][unit] * (before?.[unit] ?? 0)))
    const each = parts.map((part) => product(part, weights))
    rows.set(each, (t * (t + 1)) / 2)
    const lead = product(vector, output[t])
    largest = Math.max(largest, Math.abs(lead))
    furthest = Math.max(furthest, Math.abs(each.reduce((sum, value) => sum + value, 0) + product(vector, empty) - lead))
  }
  return furthest <= TOLERANCE * largest ? rows : null
}

/** @type {(first: Vector, second: Vector) => number} */
function product(first, second) {
  let sum = 0
  for (let unit = 0; unit < first.length; unit++) sum += first[unit] * second[unit]
  return sum
}

// How often each unit's memory counts in what is shown of it, and what is shown of an empty one.
/** @param {Reading["cell"]} cell @param {Run} run @param {number} layer @param {number} t @param {string} memory
 * @param {string} output @param {Vector} held @returns {{ counts: Vector, empty: Vector } | null} */
function seen(cell, run, layer, t, memory, output, held) {
  if (memory === output) return { counts: held.map(() => 1), empty: held.map(() => 0) }
  if (!cell.shown) return null
  const values = Object.fromEntries(Object.entries(run.signals).map(([name, layers]) => [name, layers[layer][0][t]]))
  const used = held.map((value) => (Math.abs(value) < TINY ? TINY : value))
  const empty = cell.shown({ ...values, [memory]: held.map(() => 0) })
  const full = cell.shown({ ...values, [memory]: used })
  return { counts: full.map((value, unit) => (value - empty[unit]) / used[unit]), empty }
}
