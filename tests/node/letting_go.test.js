// Where a unit lets go: the rule that Memory, What if and a saved page share.
import assert from "node:assert/strict"
import { test } from "node:test"
import { last, letGo } from "../../dashboard/browser/gates/letting_go.js"

/** @param {number[]} keep @param {number[]} memory */
const steps = (keep, memory) => keep.map((kept, t) => ({ keep: kept, now: memory[t], old: t ? memory[t - 1] : 0 }))

test("a unit lets go of what it holds, where less than half of it is left", () => {
  assert.deepEqual(letGo(steps([0.1, 1, 0.1], [0.9, 0.9, -0.8])), [false, false, true])
  assert.deepEqual(last(steps([1, 1, 0.1, 1], [0.9, 0.9, -0.8, -0.8])), [2, 3])
})

test("what is built up bit by bit, written again, or next to nothing is not let go", () => {
  assert.equal(last(steps([0.5, 0.1, 0.3, 0.03, 1], [0, 0.34, 0.3, 0.96, 0.95])), null) // a name in pieces
  assert.equal(last(steps([1, 1, 0.4, 1], [0.9, 0.94, 0.96, 0.96])), null)
  assert.equal(last(steps([1, 0.01, 1, 1], [0.08, 0.01, 0.8, 0.8])), null) // a tenth of what it can hold
  assert.equal(last(steps([1, 1, 0.1], [0.1, 0.2, 0])), null)
  assert.equal(last([]), null)
})

test("a name of several tokens is held over all of them", () => {
  assert.deepEqual(last(steps([1, 0.2, 0.4, 0.3, 1], [0.9, 0.2, -0.4, -0.8, -0.8])), [1, 4])
})
