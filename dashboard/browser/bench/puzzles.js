// Three puzzles for an LSTM of one unit: what it reads, what is wanted of it, and whether its weights do it. The cell is
// its own module, written from the equations that run in Python.

/** By gate and what it reads, "f h": the weights that a slider has. @typedef {Record<string, number>} Weights */
/** @typedef {{ i: number, f: number, g: number, o: number, c: number, h: number }} Step */
/** @typedef {(p: any, x: Float64Array, s: any) => Record<string, Float64Array>} Cell */
/** What is read, step by step, and what is wanted there: a value, or null where anything goes.
 * @typedef {{ inputs: number[][], wanted: (number | null)[] }} Text */
/** ``inputs``: the names of the two numbers read. ``signal``: the one that something is wanted of. ``right`` tells whether
 * it is what is wanted; ``unit`` is what counts as one.
 * @typedef {{ inputs: [string, string], signal: "c" | "h", texts: Text[], aim: number,
 *   right: (value: number, wanted: number, unit: number) => boolean, solution: Weights }} Puzzle */

export const GATES = ["i", "f", "g", "o"]
export const READS = ["0", "1", "h", "bias"]
export const PEEPHOLES = ["i c", "f c", "o c"]
export const LARGEST = 10

/** @returns {Weights} */
export const nothing = () =>
  Object.fromEntries(
    [...GATES.flatMap((gate) => READS.map((read) => `${gate} ${read}`)), ...PEEPHOLES].map((k) => [k, 0]),
  )

/** @param {Weights} set @returns {Weights} */
const solution = (set) => ({ ...nothing(), ...set })

/** @param {number[]} values @param {number[]} marks where the value is to be taken in @returns {Text} */
function held(values, marks) {
  /** @type {number | null} */
  let bit = null
  const wanted = values.map((value, t) => (bit = marks.includes(t) ? value : bit))
  return { inputs: values.map((value, t) => [value, marks.includes(t) ? 1 : 0]), wanted }
}

/** @param {number} n @returns {Text} */
function counted(n) {
  const inputs = [...Array(n).fill([1, 0]), ...Array(n).fill([0, 1])]
  return { inputs, wanted: inputs.map((_, t) => Math.min(t + 1, 2 * n - t - 1)) }
}

/** @param {number} length @param {number} at where the word stands, -1 for nowhere @returns {Text} */
function latched(length, at) {
  const steps = Array.from({ length }, (_, t) => t)
  return {
    inputs: steps.map((t) => (t === at ? [1, 0] : [0, 1])),
    wanted: steps.map((t) => (at >= 0 && t >= at ? 1 : 0)),
  }
}

/** @type {Record<string, Puzzle>} */
export const PUZZLES = {
  hold: {
    inputs: ["value", "mark"],
    signal: "h",
    aim: 0.7,
    texts: [
      held([-1, 1, -1, -1, 1, -1, 1, 1, -1, -1, 1, -1, 1, 1, -1, 1], [1, 8]),
      held([1, -1, 1, 1, -1, 1, -1, -1, 1, 1, -1, 1, 1, -1, 1, -1], [1, 10]),
      held([1, 1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1], [0]),
      held([-1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], [0]),
    ],
    right: (value, wanted) => value * wanted >= 0.3,
    solution: solution({ "i 1": 10, "i bias": -5, "f 1": -10, "f bias": 6, "g 0": 3, "o bias": 6 }),
  },
  count: {
    inputs: ["a", "b"],
    signal: "c",
    aim: 0.8,
    texts: [counted(3), counted(1), counted(7), counted(12)],
    right: (value, wanted, unit) => unit > 0.05 && Math.abs(value - wanted * unit) < unit / 2,
    solution: solution({ "i bias": 6, "f bias": 10, "g 0": 2, "g 1": -2, "o bias": 6 }),
  },
  latch: {
    inputs: ["fire", "other"],
    signal: "h",
    aim: 0.7,
    texts: [latched(14, 5), latched(14, -1), latched(20, 0), latched(20, 19)],
    right: (value, wanted) => (wanted ? value >= 0.5 : Math.abs(value) <= 0.2),
    solution: solution({ "i 0": 10, "i bias": -5, "f bias": 8, "g 0": 3, "o bias": 6 }),
  },
}

/** @param {Weights} weights as the parameters of the cell with peepholes, of one unit and two inputs */
export function parameters(weights) {
  /** @type {Record<string, any>} */
  const p = {}
  for (const gate of GATES) {
    p[`W_${gate}`] = { rows: 1, columns: 2, values: Float64Array.of(weights[`${gate} 0`], weights[`${gate} 1`]) }
    p[`U_${gate}`] = { rows: 1, columns: 1, values: Float64Array.of(weights[`${gate} h`]) }
    p[`b_${gate}`] = Float64Array.of(weights[`${gate} bias`])
    if (gate !== "g") p[`p_${gate}`] = Float64Array.of(weights[`${gate} c`])
  }
  return p
}

/** @param {Cell} cell @param {Weights} weights @param {number[][]} inputs @returns {Step[]} */
export function run(cell, weights, inputs) {
  const p = parameters(weights)
  /** @type {Record<string, Float64Array>} */
  let s = { c: new Float64Array(1), h: new Float64Array(1) }
  return inputs.map((x) => {
    s = cell(p, Float64Array.from(x), s)
    const [i, f, g, o, c, h] = ["i", "f", "g", "o", "c", "h"].map((name) => s[name][0])
    return { i, f, g, o, c, h }
  })
}

// Which steps of each text are right; true where nothing is wanted.
/** @param {Cell} cell @param {Puzzle} puzzle @param {Weights} weights @returns {boolean[][]} */
export function checked(cell, puzzle, weights) {
  const unit = run(cell, weights, puzzle.texts[0].inputs)[0][puzzle.signal]
  return puzzle.texts.map(({ inputs, wanted }) =>
    run(cell, weights, inputs).map((step, t) => {
      const aim = wanted[t]
      return aim === null || puzzle.right(step[puzzle.signal], aim, unit)
    }),
  )
}

// The mean square of how far the signal is from what is wanted of it: what a training makes small.
/** @param {Cell} cell @param {Puzzle} puzzle @param {Weights} weights */
export function loss(cell, puzzle, weights) {
  let [sum, count] = [0, 0]
  for (const { inputs, wanted } of puzzle.texts) {
    const steps = run(cell, weights, inputs)
    wanted.forEach((aim, t) => {
      if (aim === null) return
      sum += (steps[t][puzzle.signal] - puzzle.aim * aim) ** 2
      count += 1
    })
  }
  return sum / count
}

// Training from weights drawn at random, by Adam on the gradient (Kingma & Ba 2015); here the gradient is taken by
// differences, since there are few weights. Each call of what it gives is one step.
/** @param {Cell} cell @param {Puzzle} puzzle @param {Weights} weights where it starts, changed in place
 * @param {string[]} names of the weights that learn */
export function learner(cell, puzzle, weights, names, rate = 0.1) {
  const [first, second] = [names.map(() => 0), names.map(() => 0)]
  let k = 0
  return () => {
    k += 1
    const gradient = names.map((name) => {
      const [value, off] = [weights[name], 1e-4]
      const [up, down] = [value + off, value - off].map((at) => loss(cell, puzzle, { ...weights, [name]: at }))
      return (up - down) / (2 * off)
    })
    const norm = Math.max(1, Math.hypot(...gradient)) // clipped to 1
    names.forEach((name, n) => {
      first[n] = 0.9 * first[n] + (0.1 * gradient[n]) / norm
      second[n] = 0.99 * second[n] + 0.01 * (gradient[n] / norm) ** 2
      const step = first[n] / (1 - 0.9 ** k) / (Math.sqrt(second[n] / (1 - 0.99 ** k)) + 1e-8)
      weights[name] = Math.max(-LARGEST, Math.min(LARGEST, weights[name] - rate * step))
    })
  }
}

/** @param {() => number} draw between 0 and 1 @returns {Weights} small weights, with a forget gate that is open */
export function drawn(draw) {
  const weights = nothing()
  for (const gate of GATES) for (const read of READS) weights[`${gate} ${read}`] = 2 * draw() - 1
  weights["f bias"] = 1
  return weights
}
