// Two models that cut one text differently: which step of the one has read as far as a step of the other.
import assert from "node:assert/strict"
import { test } from "node:test"
import { fromSide, stepCount, toSide, wordAt } from "../../dashboard/browser/page/align.js"

const words = (...spans) => spans.map(([first, last], k) => [`w${k}`, first, last, 1])
// "Mary sleeps well" as three words, and as Ma|ry| sle|eps| well.
const whole = { words: words([0, 0], [1, 1], [2, 2]), ends: Int32Array.of(4, 11, 16) }
const pieces = { words: words([0, 1], [2, 3], [4, 4]), ends: Int32Array.of(2, 4, 8, 11, 16) }

test("a step has a word, and a sentence as many steps as its last word says", () => {
  assert.equal(stepCount(pieces), 5)
  assert.equal(stepCount({ words: [] }), 0)
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((step) => wordAt(pieces, step)[0]),
    ["w0", "w0", "w1", "w1", "w2"],
  )
  assert.deepEqual(wordAt({ words: [] }, 0), ["", 0, 0, 1])
})

test("the other side has read no more than the left one", () => {
  const to = (sides, count) => Array.from({ length: count }, (_, step) => toSide(sides, 1, step))
  assert.deepEqual(to([whole, pieces], 3), [1, 3, 4])
  assert.deepEqual(to([pieces, whole], 5), [0, 0, 0, 1, 2])
})

test("back on the left is the first step that has read as far", () => {
  const from = (sides, count) => Array.from({ length: count }, (_, step) => fromSide(sides, 1, step))
  assert.deepEqual(from([whole, pieces], 5), [0, 0, 1, 1, 2])
  assert.deepEqual(from([pieces, whole], 3), [1, 3, 4])
})

test("what is cut alike, or reads no text, goes by its number", () => {
  const numbers = { words: words([0, 0], [1, 1]), ends: new Int32Array() }
  assert.equal(toSide([whole, whole], 1, 2), 2)
  assert.equal(toSide([whole, numbers], 1, 2), 1)
  assert.equal(fromSide([numbers, whole], 1, 2), 1)
  assert.equal(toSide([whole, pieces], 0, 2), 2)
})
