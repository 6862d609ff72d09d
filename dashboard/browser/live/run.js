// Runs a network over ids, as lstm_core/scan.py and network.py do: layer by layer, in one or both directions, then the
// next words. What is typed on is run on: steps that were read before are kept.

/** @import { Cell, Declared, Matrix, Network, Parameters, Run, Signals, Values, Vector } from "./types.d.ts" */

export const LIKELIEST = 5

/** @type {(matrix: Matrix, row: number) => Float32Array} */
export const rowOf = ({ columns, values }, row) => values.subarray(row * columns, (row + 1) * columns)

/** @type {(matrix: Matrix, vector: Vector) => Float64Array} */
export function times({ rows, columns, values }, vector) {
  const result = new Float64Array(rows)
  const fours = columns - (columns % 4)
  for (let row = 0, at = 0; row < rows; row++) {
    // Four sums at a time: one alone waits for its last product before it takes the next.
    let [a, b, c, d] = [0, 0, 0, 0]
    let k = 0
    for (; k < fours; k += 4, at += 4) {
      a += values[at] * vector[k]
      b += values[at + 1] * vector[k + 1]
      c += values[at + 2] * vector[k + 2]
      d += values[at + 3] * vector[k + 3]
    }
    for (; k < columns; k++, at++) a += values[at] * vector[k]
    result[row] = a + b + (c + d)
  }
  return result
}

/** @type {(first: Vector, second: Vector) => Float64Array} */
function beside(first, second) {
  const both = new Float64Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}

/** @type {(p: Parameters) => number} */
export function unitsOf(p) {
  const one = Object.entries(p).find(([name]) => name.startsWith("W_") && name !== "W_hr")
  return one ? one[1].rows : 0
}

/** The values of a step that is not the cell's own; null where it is.
 * @typedef {(at: { layer: number, direction: number, step: number }, p: Parameters, x: Vector, s: Values) => Values | null} Instead */

// ``before``: an earlier run of this network, of which the steps in common are taken over.
/** @param {Network} network @param {Cell} cell @param {Declared} declared @param {number[]} ids
 * @param {Run | null} [before] @param {Instead} [instead] @returns {Run} */
export function run(network, cell, declared, ids, before = null, instead = () => null) {
  const known = network.layers[0].length === 1 && before ? common(before.ids, ids) : 0
  /** @type {Signals} */
  const signals = {}
  /** @type {Vector[]} */
  let reads = ids.map((id) => rowOf(network.embedding, id))
  /** @type {Values[][]} */
  let under = []
  network.layers.forEach((directions, layer) => {
    const here = directions.map((p, direction) => {
      const old = Array.from({ length: known }, (_, t) => at(before?.signals ?? {}, layer, direction, t))
      return scan(cell, declared, p, reads, under[direction], direction === 1, old, (step, ...read) =>
        instead({ layer, direction, step }, ...read),
      )
    })
    here.forEach((steps, direction) => {
      for (const name of Object.keys(steps[0] ?? {})) {
        const rows = ((signals[name] ??= [])[layer] ??= [])
        rows[direction] = steps.map((values) => values[name])
      }
    })
    const outputs = here.map((steps) => steps.map((values) => values[declared.output]))
    reads = outputs.length === 1 ? outputs[0] : outputs[0].map((one, t) => beside(one, outputs[1][t]))
    under = here
  })
  const looks = network.readout.attention && cell.attend && cell.attend(network.readout.attention, reads, reads)
  const read = looks ? reads.map((one, t) => beside(one, looks.a[t])) : reads
  const kept = before?.likeliest.slice(0, known) ?? []
  const towards = before?.towards.slice(0, known) ?? []
  const likeliest = [...kept, ...read.slice(known).map((one) => best(shares(scores(network, one))))]
  return { ids, signals, read, alpha: looks ? looks.alpha : null, likeliest, towards }
}

// How many ids two texts begin with in common.
/** @type {(first: number[], second: number[]) => number} */
export function common(first, second) {
  const other = second.findIndex((id, k) => id !== first[k])
  return other < 0 ? second.length : other
}

/** @type {(signals: Signals, layer: number, direction: number, t: number) => Values} */
export const at = (signals, layer, direction, t) =>
  Object.fromEntries(Object.entries(signals).map(([name, layers]) => [name, layers[layer][direction][t]]))

// One layer in one direction: the values of every step, by the step's place in the text.
/** @param {Cell} cell @param {Declared} declared @param {Parameters} p @param {Vector[]} reads
 * @param {Values[] | undefined} under @param {boolean} backward @param {Values[]} known
 * @param {(step: number, p: Parameters, x: Vector, s: Values) => Values | null} instead @returns {Values[]} */
function scan(cell, { states, below }, p, reads, under, backward, known, instead) {
  const zeros = new Float64Array(unitsOf(p))
  const first = states.map((name) => [name, name === "h" && p.W_hr ? new Float64Array(p.W_hr.rows) : zeros])
  const steps = [...known]
  let old = known.at(-1) ?? Object.fromEntries(first)
  for (let n = known.length; n < reads.length; n++) {
    const t = backward ? reads.length - 1 - n : n
    const s = { ...old }
    for (const name of below) s[`below_${name}`] = under ? under[t][name] : zeros
    old = steps[t] = instead(t, p, reads[t], s) ?? cell.step(p, reads[t], s)
  }
  return steps
}

/** @type {(network: Network, read: Vector) => Float64Array} */
export function scores({ readout: { weight, bias, tied }, embedding }, read) {
  const found = tied ? times(embedding, times(weight, read)) : times(weight, read)
  for (let id = 0; id < found.length; id++) found[id] += bias[id]
  return found
}

/** @type {(scores: Float64Array) => Float64Array} */
export function shares(scores) {
  let [most, whole] = [-Infinity, 0]
  for (const score of scores) if (score > most) most = score
  const parts = new Float64Array(scores.length)
  for (let id = 0; id < scores.length; id++) whole += parts[id] = Math.exp(scores[id] - most)
  for (let id = 0; id < scores.length; id++) parts[id] /= whole
  return parts
}

/** @type {(shares: Float64Array) => { ids: number[], shares: number[] }} */
function best(shares) {
  /** @type {number[]} */
  const ids = []
  let least = -1 // of those that are among them
  for (let id = 0; id < shares.length; id++) {
    if (shares[id] <= least) continue
    const place = ids.findIndex((other) => shares[id] > shares[other])
    ids.splice(place < 0 ? ids.length : place, 0, id)
    if (ids.length > LIKELIEST) ids.pop()
    if (ids.length === LIKELIEST) least = shares[ids[LIKELIEST - 1]]
  }
  return { ids, shares: ids.map((id) => shares[id]) }
}
