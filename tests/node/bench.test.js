// The bench's puzzles and the two figures to move: what they compute, against formulas written here once more.
import assert from "node:assert/strict"
import { test } from "node:test"
import {
  GATES,
  PEEPHOLES,
  PUZZLES,
  READS,
  checked,
  drawn,
  learner,
  loss,
  nothing,
  run,
} from "../../dashboard/browser/bench/puzzles.js"
import { BIAS, STEPS, error, steps } from "../../dashboard/browser/moved/clipping.js"
import { arrives } from "../../dashboard/browser/moved/dropout.js"

const sigma = (a) => 1 / (1 + Math.exp(-a))
const LEARNED = GATES.flatMap((gate) => READS.map((read) => `${gate} ${read}`))

// Gers & Schmidhuber 2000, one unit: the cell's module takes and gives vectors of one number.
function step(p, x, s) {
  const [[h], [c]] = [s.h, s.c]
  const net = (k) =>
    p[`W_${k}`].values[0] * x[0] + p[`W_${k}`].values[1] * x[1] + p[`U_${k}`].values[0] * h + p[`b_${k}`][0]
  const [i, f, g] = [sigma(net("i") + p.p_i[0] * c), sigma(net("f") + p.p_f[0] * c), Math.tanh(net("g"))]
  const memory = f * c + i * g
  const o = sigma(net("o") + p.p_o[0] * memory)
  return { i: [i], f: [f], g: [g], o: [o], c: [memory], h: [o * Math.tanh(memory)] }
}

const solved = (puzzle, weights) => checked(step, puzzle, weights).flat().every(Boolean)

test("each puzzle has a solution, and is not solved by weights of 0, nor by the solution of another", () => {
  for (const [name, puzzle] of Object.entries(PUZZLES)) {
    assert.equal(solved(puzzle, nothing()), false, name)
    for (const [other, { solution }] of Object.entries(PUZZLES)) assert.equal(solved(puzzle, solution), name === other)
  }
})

test("what is wanted is what the puzzle says", () => {
  const [text] = PUZZLES.hold.texts
  let bit = null
  text.inputs.forEach(([value, mark], t) => {
    if (mark) bit = value
    assert.equal(text.wanted[t], bit)
  })
  for (const { inputs, wanted } of PUZZLES.count.texts) {
    let count = 0
    inputs.forEach(([a, b], t) => assert.equal(wanted[t], (count += a - b)))
    assert.equal(count, 0)
  }
  for (const { inputs, wanted } of PUZZLES.latch.texts) {
    inputs.forEach((_, t) => assert.equal(wanted[t], Number(inputs.slice(0, t + 1).some(([fire]) => fire))))
  }
})

test("one weight taken out of a solution is seen, and by which steps", () => {
  const { solution } = PUZZLES.count
  for (const name of ["f bias", "g 0", "g 1"]) {
    const steps = checked(step, PUZZLES.count, { ...solution, [name]: 0 })
    assert.ok(steps.flat().includes(false), name)
  }
  // Forgetting seven in a thousand at every step is too much for twelve, not for three.
  const right = checked(step, PUZZLES.count, { ...solution, "f bias": 5 }).map((text) => text.every(Boolean))
  assert.deepEqual(right, [true, true, true, false])
})

test("a peephole is read by its gate", () => {
  const inputs = [
    [1, 0],
    [0, 1],
  ]
  const before = run(step, { ...nothing(), "g 0": 2 }, inputs)
  for (const name of PEEPHOLES) {
    const after = run(step, { ...nothing(), "g 0": 2, [name]: 5 }, inputs)
    const moved = ["i", "f", "o"].filter((gate) => after[1][gate] !== before[1][gate])
    assert.ok(moved.includes(name[0]), name)
  }
})

test("training goes down the loss and latches on the word by itself", () => {
  let seed = 1
  const draw = () => (seed = (seed * 16807) % 2147483647) / 2147483647
  const weights = drawn(draw)
  const puzzle = PUZZLES.latch
  const before = loss(step, puzzle, weights)
  const learn = learner(step, puzzle, weights, LEARNED)
  let k = 0
  for (; k < 300 && !solved(puzzle, weights); k += 1) learn()
  assert.ok(solved(puzzle, weights) && loss(step, puzzle, weights) < before, `${k} steps`)
  assert.deepEqual(
    PEEPHOLES.map((name) => weights[name]),
    [0, 0, 0],
  )
})

test("the wall's gradient is that of its error, and clipping keeps a step near", () => {
  for (const w of [4.2, 4.6, 4.9, 5.5]) {
    const off = 1e-6
    const slope = (error(w + off).error - error(w - off).error) / (2 * off)
    assert.ok(Math.abs(error(w).gradient - slope) < 1e-4 * Math.max(1, Math.abs(slope)), `${w}`)
  }
  let x = 0
  for (let t = 0; t < STEPS; t++) x = 5 * sigma(x) + BIAS
  assert.ok(Math.abs(error(5).error - (sigma(x) - 0.7) ** 2) < 1e-12)
  const { gradient, plain, clipped } = steps(4.8, 1, 0.1)
  assert.ok(gradient < -2000 && plain > 2000)
  assert.ok(Math.abs(clipped - 4.9) < 1e-12)
})

test("between layers dropout is passed three times, along time once more a step", () => {
  for (const back of [1, 20, 50]) {
    assert.deepEqual(arrives(0.3, back, false), { passed: 3, share: 0.7 ** 3 })
    assert.equal(arrives(0.3, back, true).passed, 3 + back)
  }
  assert.ok(arrives(0.3, 20, true).share < 0.001)
})
