// What was read in the browser is held against the server's trace, and a difference that can be seen ends it.
import assert from "node:assert/strict"
import { test } from "node:test"

const node = { setAttribute: () => {}, append: () => {} }
Object.assign(globalThis, {
  window: { location: { search: "", pathname: "/" }, addEventListener: () => {} },
  document: { createElement: () => ({ ...node }), removeEventListener: () => {}, querySelector: () => null },
  requestAnimationFrame: (paint) => paints.push(paint),
})
const paints = []
const origin = await import("../../dashboard/browser/page/origin.js")
const { Ahead } = await import("../../dashboard/browser/gates/ahead.js")
const { apart, fetched } = await import("../../dashboard/browser/live/at_once.js")

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

test("the shares of the next words are compared, and rows that sum up others are not", () => {
  const { shown, here } = both()
  here.sides[0].run.likeliest[1] = { shares: [0.5, 0.125] }
  assert.equal(apart(shown, here), 0.125)
  const wide = both()
  const [panel] = wide.shown.figure.data
  panel.meta.band = true
  panel.z = [...panel.z, row(NaN, NaN), row(5, 5), row(5, 5), row(5, 5)]
  assert.equal(apart(wide.shown, wide.here), 0)
})

test("what other models will read is left to the server, and what goes on from an own sentence is not", () => {
  const own = "Mary met John in the old garden"
  const read = []
  const ahead = new Ahead(
    { dataset: {} },
    () => {},
    () => [null],
  )
  const module = { answer: (_, __, text) => (read.push(text), { shown: {}, text }) }
  Object.assign(ahead, { module, readings: [{}], template: {} })
  const answer = (text) => {
    ahead.frame = 0
    return ahead.answer(text)
  }
  ahead.only = [[own.slice(0, 8), own]]
  for (const text of [own, `${own} and`, own.slice(0, 8), " "]) assert.equal(answer(text), true, text)
  for (const text of ["Anna and Paul", own.slice(0, 7), "M"]) assert.equal(answer(text), false, text)
  assert.equal(ahead.newest, null)
  ahead.only = [] // somebody has chosen these models
  assert.equal(answer("Anna and Paul"), true)
  assert.equal(read.length, 5)
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

// One that has its models, of a page whose box holds what ``box.text`` says.
function ready() {
  const [drawn, read, box] = [[], [], { text: "a" }]
  origin.use({}, { written: () => box })
  const root = { dataset: {} }
  const ahead = new Ahead(
    root,
    (shown) => drawn.push(shown.text),
    () => [null],
  )
  const answer = (template, readings, text) => read.push(text) && { text, shown: { text }, sides: [] }
  Object.assign(ahead, { module: { answer, apart: () => 0 }, readings: [{}], template: { text: "a" } })
  return { ahead, box, drawn, read }
}
const sent = (text) => ({ text, quiet: "", at_once: [], figure: { data: [{}], layout: { meta: { panels: [] } } } })

test("keys that come before the next paint are read together after it, and the last is not lost", () => {
  const { ahead, drawn } = ready()
  for (const text of ["a", "ab", "abc"]) assert.ok(ahead.answer(text))
  assert.deepEqual(drawn, ["a"])
  paints.pop()()
  assert.deepEqual(drawn, ["a", "abc"])
  paints.pop()()
  assert.deepEqual(drawn, ["a", "abc"])
})

test("half of a character is read as the server reads it", () => {
  const { ahead, read } = ready()
  ahead.answer("a\ud83d")
  assert.deepEqual(read, ["a?"])
})

test("what the server sends of an earlier text does not take the place of what is written", () => {
  const { ahead, box } = ready()
  Object.assign(ahead, { key: "[]", offered: [] })
  ahead.answer("ab")
  box.text = "ab"
  assert.equal(ahead.hear(sent("a")), null)
  assert.match(ahead.hear(sent("ab")).quiet, /read in this browser first/)
  box.text = "abc" // which this browser has not answered
  assert.equal(ahead.hear(sent("abc")).text, "abc")
})

test("models that come when others have been chosen are not used", async () => {
  const { ahead } = ready()
  const came = []
  Object.assign(ahead.module, { fetched: () => new Promise((come) => came.push(come)) })
  Object.assign(ahead, { key: "one", offered: [{}], readings: null, template: { text: "a", sides: [] } })
  const asked = ahead.fetch()
  await new Promise(setImmediate)
  ahead.key = "two"
  came[0]([{}])
  await asked
  assert.ok(!ahead.able())
})

test("a page that is left, or has other models, asks for no more of those it had", async () => {
  const leave = [(ahead) => ahead.close(), (ahead) => ahead.hear({ ...sent("a"), at_once: [{ bytes: 1 }] })]
  for (const left of leave) {
    const { ahead } = ready()
    const asked = []
    globalThis.cancelAnimationFrame = () => {}
    globalThis.fetch = (address, { signal }) => {
      asked.push(String(address))
      return new Promise((_, refuse) => signal.addEventListener("abort", () => refuse(signal.reason)))
    }
    Object.assign(ahead.module, { fetched })
    const parts = [{ known: "known.bin", weights: "weights.bin", cell: "cell.js", bytes: 1 }]
    Object.assign(ahead, {
      key: "[]",
      offered: parts,
      readings: null,
      template: { text: "a", sides: [{ model: "one" }] },
    })
    const fetching = ahead.fetch()
    await new Promise(setImmediate)
    left(ahead)
    await fetching
    assert.equal(asked.length, 1)
    assert.ok(!ahead.able())
  }
})
