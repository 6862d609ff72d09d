// The pure parts of what a saved page forces.
import assert from "node:assert/strict"
import { test } from "node:test"
import { likely } from "../../dashboard/browser/live/what_if.js"

test("what is said to be likeliest has a bar, however small it is", () => {
  const before = Float64Array.of(0.6, 0.1, 0.09, 0.08, 0.07, 0.05, 0.01)
  const now = Float64Array.of(0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.03)
  assert.deepEqual(likely(before, now), [0, 1, 2, 3, 4, 6])
  assert.deepEqual(likely(before, before), [0, 1, 2, 3, 4])
})
