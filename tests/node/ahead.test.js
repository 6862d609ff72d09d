// What was read in the browser is held against the server's trace, and a difference that can be seen ends it.
import assert from "node:assert/strict"
import { test } from "node:test"

const node = { setAttribute: () => {}, append: () => {} }
Object.assign(globalThis, {
  window: { location: { search: "", pathname: "/" }, addEventListener: () => {} },
  document: { createElement: () => ({ ...node }), removeEventListener: () => {} },
})
const { Ahead } = await import("../../dashboard/browser/gates/ahead.js")
const { apart } = await import("../../dashboard/browser/live/at_once.js")

const row = (...values) => Float32Array.from(values)

// Two units over two steps on one side, as the server sends them and as they were read here.
function both(further = 0) {
  const meta = { side: 0, role: "hidden", signal: "h", band: false }
  const next = { p: [row(0.5, 0.25), row(0.5, 0.25)] }
  const shown = {
    text: "a b",
    quiet: "LSTM in 1 ms",
    figure: { data: [{ type: "heatmap", z: [row(0.1, 0.2), row(0.3, 0.4)], meta }] },
    sides: [{ ends: [1, 3], units: [0, 3], next }],
  }
  const values = [row(0.1, 9, 9, 0.3), row(0.2, 9, 9, 0.4 + further)]
  const likeliest = [{ shares: [0.5, 0.25] }, { shares: [0.5, 0.25] }]
  const run = { signals: { h: [[values]] }, likeliest, alpha: null }
  const reading = { layer: 0, direction: 0, cell: { derived: {} } }
  return { shown, here: { text: "a b", sides: [{ reading, run, tokens: [{}, {}] }] } }
}

test("the largest difference is that of the units that have a row", () => {
  const { shown, here } = both(0.25)
  assert.ok(Math.abs(apart(shown, here) - 0.25) < 1e-6)
  assert.equal(apart(both().shown, both().here), 0)
})

test("a value that is not a number is a difference", () => {
  const { shown, here } = both(NaN)
  assert.equal(apart(shown, here), Infinity)
})

test("what has read other steps is not compared", () => {
  const { shown, here } = both()
  here.sides[0].tokens.pop()
  assert.equal(apart(shown, here), null)
})

test("what can be seen to differ is not read here again", () => {
  const root = { dataset: {} }
  const ahead = new Ahead(
    root,
    () => {},
    () => [null],
  )
  Object.assign(ahead, { module: { apart }, readings: [{}], template: {} })
  assert.match(ahead.compared(both(1e-6).shown, both(1e-6).here), /read in this browser first, largest difference \d/)
  assert.ok(ahead.able())
  for (const further of [0.25, NaN]) {
    ahead.readings = [{}]
    assert.match(ahead.compared(both(further).shown, both(further).here), /the server alone answers/)
    assert.ok(!ahead.able())
  }
})
