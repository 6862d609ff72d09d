// Which units have a row, which is spoken of, and in which orders they stand: lstm_core/drawing/drawn.py, deciding.py,
// meaning.py and order.py, over a run in the browser.
import { DECIDED } from "../gates/clauses.js"
import { rowOf } from "./run.js"
import { regex } from "./regex.js"

/** @import { Named } from "../types.d.ts" */
/** @import { Meant, Network, Reading, Run, Token, Vector } from "./types.d.ts" */

const SMALL = 32
const COUNT = 24
const [STAYS, SPOKEN_OF, LEAST, LITTLE] = [0.5, 0.5, 0.5, 0.25]
const TINY = 2 ** -126

/** @type {(values: ArrayLike<number>, by: (value: number) => number) => Int32Array} */
const sorted = (values, by) =>
  Int32Array.from(
    Array.from({ length: values.length }, (_, k) => k).sort((a, b) => by(values[a]) - by(values[b]) || a - b),
  )

// The direction in what is read out that speaks for the likeliest next word over the second; null where there is one word.
/** @type {(network: Network, run: Run, step: number) => Float64Array | null} */
export function towards(network, run, step) {
  const known = run.towards[step]
  return known === undefined ? (run.towards[step] = apart(network, run.likeliest[step].ids)) : known
}

/** @type {(network: Network, likeliest: number[]) => Float64Array | null} */
function apart({ readout, embedding }, [first, second]) {
  if (second === undefined) return null
  const rows = readout.tied ? embedding : readout.weight
  const other = rowOf(rows, second)
  const between = Float64Array.from(rowOf(rows, first), (value, k) => value - other[k])
  if (!readout.tied) return between
  const { columns, values } = readout.weight
  const vector = new Float64Array(columns)
  between.forEach((value, k) => {
    for (let unit = 0; unit < columns; unit++) vector[unit] += value * values[k * columns + unit]
  })
  return vector
}

// What each unit adds to that lead, or to that over another word.
/** @type {(network: Network, run: Run, step: number, other?: number) => Float64Array | null} */
function lead(network, run, step, other) {
  const [first] = run.likeliest[step].ids
  const direction = other === undefined ? towards(network, run, step) : apart(network, [first, other])
  const parts = direction?.map((value, k) => value * run.read[step][k])
  if (!parts || !network.readout.attention) return parts ?? null
  const width = parts.length / 2
  return parts.slice(0, width).map((part, k) => part + parts[k + width])
}

// The same of the direction that is drawn; null in a layer that no word is read out of, or of a projected h.
/** @type {(reading: Reading, run: Run, step: number, width: number, other?: number) => Float64Array | null} */
function leadOf({ model, layer, direction }, run, step, width, other) {
  if (layer !== model.layers.length - 1) return null
  const parts = lead(model, run, step, other)
  const directions = model.layers[0].length
  return parts && parts.length === directions * width ? parts.slice(direction * width, (direction + 1) * width) : null
}

// The step whose expectation is spoken of: at the cursor, before it, or behind it.
/** @type {(run: Run, cursor: number) => number} */
export function decided({ likeliest }, cursor) {
  const sure = likeliest.flatMap(({ shares }, step) => (shares[0] >= DECIDED ? [step] : []))
  return sure.findLast((step) => step <= cursor) ?? sure[0] ?? cursor
}

// Values of one signal of what is drawn, by step.
/** @type {(reading: Reading, run: Run, label: string) => Vector[] | null} */
export function valuesOf({ cell, layer, direction }, { signals }, label) {
  if (signals[label]) return signals[label][layer][direction]
  const make = cell.derived[label]
  const steps = Object.values(signals)[0]?.[layer][direction]
  if (!make || !steps) return null
  const at = (/** @type {number} */ t) =>
    Object.fromEntries(Object.entries(signals).map(([name, layers]) => [name, layers[layer][direction][t]]))
  return steps.map((_, t) => make(at(t)))
}

/** @type {(memory: Vector[]) => Float64Array} */
function moved(memory) {
  const sums = new Float64Array(memory[0].length)
  memory.forEach((row, t) =>
    row.forEach((value, unit) => (sums[unit] += Math.abs(value - (t ? memory[t - 1][unit] : 0)))),
  )
  return sums
}

/** @type {(keep: Vector[] | null, memory: Vector[], units: Int32Array) => Record<string, Int32Array>} */
export function orders(keep, memory, units) {
  const width = memory[0].length
  const drawn = new Set(units)
  const mean = (/** @type {(value: number) => number} */ of) =>
    Float64Array.from(
      { length: width },
      (_, unit) => (keep ?? []).reduce((sum, row) => sum + of(row[unit]), 0) / memory.length,
    )
  const all = {
    index: Int32Array.from({ length: width }, (_, unit) => unit),
    ...(keep && {
      keep: sorted(
        mean((value) => value),
        (value) => value,
      ),
      timescale: sorted(
        mean((value) => Math.log(Math.min(1, Math.max(1e-7, value)))),
        (value) => -value,
      ),
    }),
    moved: sorted(moved(memory), (value) => -value),
  }
  return Object.fromEntries(Object.entries(all).map(([name, order]) => [name, order.filter((unit) => drawn.has(unit))]))
}

// The units that have a row, and by what they were chosen. ``always`` are drawn whatever they do.
/** @param {Reading} reading @param {Run} run @param {Vector[]} memory @param {number[]} always @param {Set<number>} before
 * @returns {{ units: Int32Array, by: string }} */
export function rows(reading, run, memory, always, before) {
  const width = memory[0].length
  if (width <= SMALL) return { units: Int32Array.from({ length: width }, (_, unit) => unit), by: "all" }
  const count = Math.max(COUNT, always.length)
  const step = decided(run, memory.length - 1)
  const at = leadOf(reading, run, step, width)
  let figures = moved(memory)
  if (at) {
    const sums = new Float64Array(width)
    for (let t = 0; t < memory.length; t++)
      leadOf(reading, run, t, width)?.forEach((part, unit) => (sums[unit] += Math.abs(part)))
    figures = sums.map((sum, unit) => sum / memory.length + SPOKEN_OF * Math.abs(at[unit]))
  }
  for (const unit of before) figures[unit] /= STAYS
  for (const unit of always) figures[unit] = Infinity
  return {
    units: sorted(figures, (value) => -value)
      .slice(0, count)
      .sort(),
    by: at ? "lead" : "moved",
  }
}

// The unit that a page speaks of. A named one that holds something goes first, judged by the words that its name tells
// apart where one of them is the likeliest; then the one that is shown already.
/** @param {Reading} reading @param {Run} run @param {Vector[]} memory @param {number} cursor
 * @param {(Pick<Meant, "unit" | "apart"> & Pick<Named, "side">)[]} holding @param {number | null} before */
export function deciding(reading, run, memory, cursor, holding, before) {
  const width = memory[0].length
  const step = decided(run, cursor)
  const shares = leadOf(reading, run, step, width)
  if (!shares) {
    const top = reading.layer === reading.model.layers.length - 1
    return before ?? holding.at(-1)?.unit ?? (top ? 0 : sorted(moved(memory), (v) => -v)[0])
  }
  const largest = shares.indexOf(Math.max(...shares))
  const matters = (/** @type {number} */ unit, parts = shares) => parts[unit] >= STAYS * Math.max(...parts)
  const [word] = run.likeliest[step].ids
  const named = holding.findLast(({ unit, apart, side }) => {
    const other = apart.find(([one]) => one === word)?.[1]
    return side[step] && matters(unit, (other !== undefined && leadOf(reading, run, step, width, other)) || shares)
  })
  return named?.unit ?? (before !== null && matters(before) ? before : largest)
}

const HAN = /[\u4e00-\u9fff]/

// By step, which end of its axis a named unit's memory holds, 1 high, -1 low, 0 neither, and towards which it leans.
/** @type {(named: Meant, run: Run, tokens: Token[]) => Pick<Named, "side" | "leans" | "from" | "high" | "low"> | null} */
export function held(named, { signals }, tokens) {
  const values = signals[named.signal]?.[named.layer]?.[named.direction]
  const one = Int32Array.from(tokens, () => 1)
  if (!named.about || !values) return { side: one, leans: one, from: 0, high: "", low: "" }
  const from = spoken(named.about, tokens)
  const sums = named.scale === null ? null : signals[named.scale][named.layer][named.direction] // it is read as a share
  const now = Array.from(tokens, (_, t) => values[t][named.unit] / (sums ? Math.max(sums[t][named.unit], TINY) : 1))
  const far = now.map((value) => value - named.threshold)
  const side = Int32Array.from(far, (one, t) =>
    t < from ? 0 : one >= LEAST * named.high ? 1 : one <= LEAST * named.low ? -1 : 0,
  )
  const leans = Int32Array.from(far, (one, t) => {
    const [up, down] = [LITTLE * named.high, LITTLE * named.low]
    return Math.min(one, now[t]) >= up ? 1 : Math.max(one, now[t]) <= down ? -1 : 0
  })
  const [high, low] = named.han && tokens.some(({ text }) => HAN.test(text)) ? named.han : named.ends
  return side.some(Boolean) ? { side, leans, from: Math.min(from, tokens.length), high, low } : null
}

// The step at which one of the words that a meaning is about has first been read to its end.
/** @type {(about: string[], tokens: Token[]) => number} */
function spoken(about, tokens) {
  if (!about.length) return 0
  const letters = Array(tokens.at(-1)?.end ?? 0).fill(" ")
  for (const { text, start } of tokens) Array.from(text).forEach((letter, k) => (letters[start + k] = letter))
  const small = letters.map((letter) => (Array.from(letter.toLowerCase()).length === 1 ? letter.toLowerCase() : letter))
  const text = small.join("")
  let first = Infinity
  for (const pattern of about) {
    for (const match of text.matchAll(regex(pattern))) {
      const start = Array.from(text.slice(0, match.index)).length
      const end = start + Array.from(match[0]).length
      const over = tokens.flatMap((token, k) => (token.start < end && token.end > start ? [k] : []))
      if (over.length && over.every((k) => tokens[k].known)) first = Math.min(first, over[over.length - 1])
    }
  }
  return first
}
