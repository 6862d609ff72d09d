// What "Step by step" is drawn from, as dashboard/figures/walk.py and expects.py make it, of runs in the browser. The
// equations stand in the template as trees, with a place for the value of each of their parts: the values are made here.
import { held } from "./units.js"
import { endings } from "./endings.js"
import { added, named as nameOf, nextWord, words } from "./words.js"
import { largest } from "../walk/moment.js"
import { common, rowOf, scores, shares, times } from "./run.js"

/** @import { Matrix, Reading, Run, Token, Vector } from "./types.d.ts" */
/** @import { Tree } from "../walk/types.d.ts" */

/** @typedef {Vector | Matrix | number} Value */
/** @typedef {(key: string) => Value} Leaves */

const sigmoid = (/** @type {number} */ a) => 1 / (1 + Math.exp(-a))
/** @type {Record<string, (...values: number[]) => number>} */
const FUNCTIONS = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  sigmoid,
  tanh: Math.tanh,
  exp: Math.exp,
  log: Math.log,
  abs: Math.abs,
  log_sigmoid: (a) => Math.min(a, 0) - Math.log1p(Math.exp(-Math.abs(a))),
  maximum: Math.max,
  minimum: Math.min,
  greater: (a, b) => Number(a > b),
  divides: (period, count) => Number(count % period === 0),
}

/** @type {(value: Value) => value is Matrix} */
const isMatrix = (value) => typeof value === "object" && "rows" in value

// The value of a tree; ``known`` are those of one step that have a place.
/** @param {Tree} tree @param {Leaves} leaves @param {Map<number, Value>} known @returns {Value} */
export function evaluate(tree, leaves, known) {
  if (typeof tree.v !== "number") return made(tree, leaves, known)
  const value = known.get(tree.v) ?? made(tree, leaves, known)
  known.set(tree.v, value)
  return value
}

/** @param {Tree} tree @param {Leaves} leaves @param {Map<number, Value>} known @returns {Value} */
function made(tree, leaves, known) {
  if (tree.n !== undefined) return tree.n
  if (tree.s !== undefined) return leaves(tree.s)
  const args = (tree.a ?? []).map((one) => evaluate(one, leaves, known))
  const [first, second] = args
  if (tree.o === "@") return times(/** @type {Matrix} */ (first), /** @type {Vector} */ (second))
  const of = FUNCTIONS[tree.o ?? ""]
  if (!of) throw new Error(`${tree.o} is not computed here`)
  if (isMatrix(first) && isMatrix(second))
    return { ...first, values: first.values.map((one, k) => of(one, second.values[k])) }
  const whole = args.find((one) => typeof one === "object")
  if (whole === undefined) return of(.../** @type {number[]} */ (args))
  const result = new Float64Array(/** @type {Vector} */ (whole).length)
  const [one, other] = [first, second].map((arg) => (typeof arg === "object" ? /** @type {Vector} */ (arg) : null))
  for (let k = 0; k < result.length; k++)
    result[k] = of(one ? one[k] : /** @type {number} */ (first), other ? other[k] : /** @type {number} */ (second))
  return result
}

// Of a tree's parts those that have a place, by it.
/** @param {Tree} tree @param {Map<number, Tree>} found */
function placed(tree, found) {
  if (typeof tree.v === "number" && !found.has(tree.v)) found.set(tree.v, tree)
  for (const part of tree.a ?? []) placed(part, found)
}

// The leaves of a step's trees: parameters, and what ``other`` says of the signals, the old states and what is read.
/** @type {(p: import("./types.d.ts").Parameters, other: (kind: string, name: string) => Value) => Leaves} */
export const leaf = (p, other) => (key) => {
  const [kind, name] = [key[0], key.slice(2)]
  if (kind !== "p") return other(kind, name)
  return p[name].length === 1 && p[name].rows === undefined ? p[name][0] : p[name]
}

// What the layer that is drawn reads at every step.
/** @type {(reading: Reading, run: Run) => Vector[]} */
function inputs({ model, layer, declared }, { ids, signals }) {
  if (!layer) return ids.map((id) => rowOf(model.embedding, id))
  const below = signals[declared.output][layer - 1]
  return ids.map((_, t) => Float64Array.from(below.flatMap((steps) => Array.from(steps[t]))))
}

// By reading, what was made of the text before: of the steps in common with the next one it is taken over.
/** @type {WeakMap<Reading, { template: any, ids: number[], arrays: (Float32Array | Float32Array[])[] }>} */
const earlier = new WeakMap()

/** @param {any} template @param {Reading} reading @param {Run} run */
function valuesOf(template, reading, run) {
  const { model, layer, direction, declared } = reading
  const p = model.layers[layer][direction]
  const x = inputs(reading, run)
  const here = (/** @type {string} */ name, /** @type {number} */ at, t = 0) => run.signals[name][at][direction][t]
  const before = (/** @type {string} */ name, /** @type {number} */ t) => {
    const from = direction ? t + 1 : t - 1
    return from < 0 || from >= x.length ? here(name, layer).map(() => 0) : here(name, layer, from)
  }
  /** @type {(t: number) => Leaves} */
  const leaves = (t) =>
    leaf(p, (kind, name) => {
      if (kind === "x") return x[t]
      if (kind === "v") return here(name, layer, t)
      if (!name.startsWith("below_")) return before(name, t)
      const lower = name.slice("below_".length)
      return layer ? here(lower, layer - 1, t) : here(lower, layer, t).map(() => 0)
    })
  const old = earlier.get(reading)
  const known = old && old.template === template && model.layers[0].length === 1 ? common(old.ids, run.ids) : 0
  const still = new Set(template.still) // parameters
  /** @type {(Float32Array | Float32Array[])[]} */
  const arrays = Array.from({ length: template.places }, (_, place) =>
    known ? (old?.arrays[place] ?? []).slice(0, still.has(place) ? undefined : known) : [],
  )
  const equations = Object.entries(template.equations)
  /** @type {Map<number, Tree>} */
  const trees = new Map()
  for (const [, { tree }] of equations) placed(tree, trees)
  for (const { formula } of template.diagram.nodes) placed(formula, trees)
  for (const [name, { value }] of Object.entries(template.signals)) trees.set(value, { s: `v.${name}`, v: value })
  /** @type {{ t: number, values: Map<number, Value> }} */
  let step = { t: -1, values: new Map() }
  // The values at a place, made when they are asked for: a long text has more steps than anybody looks at. What an
  // equation comes to is known from the run.
  /** @param {number} place @param {number} t */
  const made = (place, t) => {
    const rows = arrays[place]
    const tree = trees.get(place)
    const there = Array.isArray(rows) ? rows[t] : rows
    if (there || !tree) return there
    if (step.t !== t) {
      const results = equations.map(([name, { tree }]) => /** @type {const} */ ([tree.v, here(name, layer, t)]))
      step = { t, values: new Map(results) }
    }
    const value = evaluate(tree, leaves(t), step.values)
    if (typeof value === "number" || isMatrix(value)) return undefined
    const row = new Float32Array(value)
    if (still.has(place)) arrays[place] = row
    else /** @type {Float32Array[]} */ (rows)[t] = row
    return row
  }
  for (const place of still) made(place, 0)
  earlier.set(reading, { template, ids: run.ids, arrays })
  const sources = Object.fromEntries(
    declared.states.map((name) => [`s.${name}`, x.map((_, t) => Float32Array.from(before(name, t)))]),
  )
  const matrices = template.matrices.map((/** @type {[string, Tree]} */ [name, tree]) => {
    const matrix = /** @type {Matrix} */ (evaluate(tree, leaves(0), new Map()))
    return [name, Array.from({ length: matrix.rows }, (_, row) => rowOf(matrix, row))]
  })
  return {
    values: arrays,
    made,
    matrices: Object.fromEntries(matrices),
    sources: layer ? { ...sources, x: x.map((row) => Float32Array.from(row)) } : sources,
  }
}

// ``template``: what the page was saved with; ``units``: those that the figure speaks of.
/** @param {any} template @param {string} text @param {{ reading: Reading, run: Run, tokens: Token[] }[]} sides
 * @param {number[]} units @param {number} at @returns {any} */
export function walk(template, text, sides, units, at) {
  return {
    ...template,
    text,
    at,
    plain: null,
    of: null,
    sides: sides.map((side, k) => one(template.sides[k], side, units[k])),
  }
}

// What the drawing takes of every step, for its colours: made in pieces, between which the page answers.
/** @param {import("../walk/types.d.ts").Content} content @returns {Generator<void, void, void>} */
export function* preparing({ sides }) {
  for (const side of sides) {
    const places = side.diagram.nodes.flatMap(({ value }) => (value === null ? [] : [value]))
    for (let t = 0; t < side.tokens.length; t++) {
      for (const place of places) side.made?.(place, t)
      yield
    }
    for (const place of places) {
      largest(side, place)
      yield
    }
  }
}

/** @param {any} template @param {{ reading: Reading, run: Run, tokens: Token[] }} side @param {number} unit */
function one(template, { reading, run, tokens }, unit) {
  const here = reading.named.filter((one) => one.layer === reading.layer && one.direction === reading.direction)
  const named = here.flatMap(({ name, unit, meaning, ...rest }) => {
    const holds = held({ name, unit, meaning, ...rest }, run, tokens)
    return holds ? [{ name, unit, meaning, ...holds }] : []
  })
  const gathered = words(tokens)
  return {
    ...template,
    ...valuesOf(template, reading, run),
    unit,
    named,
    words: gathered,
    ends: Int32Array.from(tokens, ({ end }) => end),
    tokens: tokens.map((_, step) => nameOf(tokens, step, reading.vocabulary)),
    looks: template.looks && run.alpha && looks(template.looks, run, tokens.length),
    expects: (/** @type {number} */ step) => expects(reading, run, tokens, template.compared, [step]),
  }
}

/** @param {any} template @param {Run} run @param {number} count */
function looks(template, { read, alpha }, count) {
  const width = (read[0]?.length ?? 0) / 2
  return {
    ...template,
    alpha: alpha?.map((row) => Float32Array.from(row)),
    mean: Array.from({ length: count }, (_, t) => Float32Array.from(read[t].subarray(width))),
  }
}

// What is expected at ``steps`` alone, for the ends of next words take the network: in the places of other steps stands
// nothing. ``compared``: the ids of words that are held against each other, pair after pair.
/** @param {Reading} reading @param {Run} run @param {Token[]} tokens @param {number[]} compared @param {number[]} steps
 * @returns {import("../walk/types.d.ts").Expects} */
export function expects(reading, run, tokens, compared, steps) {
  const { model, vocabulary, declared } = reading
  const { read, likeliest } = run
  /** @type {<T>(made: (t: number) => T) => T[]} */
  const at = (made) => {
    /** @type {ReturnType<typeof made>[]} */
    const found = []
    for (const t of steps) found[t] = made(t)
    return found
  }
  const all = at((t) => scores(model, read[t]))
  const chances = at((t) => shares(all[t]))
  const seen = at((t) => [...likeliest[t].ids, ...compared])
  const ids = [...new Set(seen.flat())].sort((a, b) => a - b)
  /** @type {Map<string, number>} */
  const place = new Map(ids.map((id, k) => [`${id}`, k]))
  const ends = ids.map(() => "")
  const of = (/** @type {number} */ id) => /** @type {number} */ (place.get(`${id}`))
  const places = at((t) => Int32Array.from(seen[t], of))
  for (const t of steps) {
    const written = endings(reading, run, t)
    const likely = likeliest[t].ids
    for (const id of likely.toSorted((a, b) => a - b)) {
      const end = written[likely.indexOf(id)]
      if (!end) continue
      const key = `${id} ${end}`
      if (!place.has(key)) {
        place.set(key, ids.push(id) - 1)
        ends.push(end)
      }
      seen[t].forEach((other, k) => other === id && (places[t][k] = /** @type {number} */ (place.get(key))))
    }
  }
  const rows = model.readout.tied ? model.embedding : model.readout.weight
  const partners = compared.map((id, k) => [String(of(id)), of(compared[k % 2 ? k - 1 : k + 1])])
  return {
    words: ids.map((id, k) => nextWord(vocabulary, id) + ends[k]),
    adds: ids.map((id, k) => added(vocabulary, id, ends[k])),
    ids: places,
    scores: at((t) => Float32Array.from(seen[t], (id) => all[t][id])),
    shares: at((t) => Float32Array.from(seen[t], (id) => chances[t][id])),
    likeliest: likeliest[0]?.ids.length ?? 0,
    partners: Object.fromEntries(partners),
    total: at((t) => {
      const most = all[t].reduce((one, other) => Math.max(one, other), -Infinity)
      return most + Math.log(all[t].reduce((sum, score) => sum + Math.exp(score - most), 0))
    }),
    vocabulary: vocabulary.bare.length,
    weights: ids.map((id) =>
      Float32Array.from(model.readout.tied ? through(model.readout.weight, rowOf(rows, id)) : rowOf(rows, id)),
    ),
    bias: Float32Array.from(ids, (id) => model.readout.bias[id]),
    read: at((t) => Float32Array.from(read[t])),
    output: declared.output,
    directions: model.layers[0].length,
    layers: model.layers.length,
    ends: Int32Array.from(tokens, ({ end }) => end),
  }
}

// A row of the embedding through the readout's matrix.
/** @type {(matrix: Matrix, row: Vector) => Float64Array} */
function through({ columns, values }, row) {
  const vector = new Float64Array(columns)
  row.forEach((value, k) => {
    for (let unit = 0; unit < columns; unit++) vector[unit] += value * values[k * columns + unit]
  })
  return vector
}
