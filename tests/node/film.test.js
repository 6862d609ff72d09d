// How far a film goes.
import assert from "node:assert/strict"
import { test } from "node:test"
import { filmed } from "../../dashboard/browser/gates/film.js"

test("a film has the steps in view, of a long text the first 200", () => {
  assert.deepEqual(filmed([3, 6]), [3, 4, 5])
  assert.equal(filmed([0, 240]).length, 200)
  assert.equal(filmed([40, 260]).at(-1), 239)
})
