// What is said of a text that is longer than what is shown of it.
import assert from "node:assert/strict"
import { test } from "node:test"
import { shortened } from "../../dashboard/browser/live/read.js"

test("sides that show as much of a text say so once", () => {
  const [lstm, gru] = ["LSTM", "GRU"].map((title) => ({ title, count: 2000, found: 3241 }))
  assert.deepEqual(shortened([lstm, gru], 2), ["The first 2000 of 3241 tokens are shown."])
  assert.deepEqual(shortened([lstm], 2), ["LSTM: the first 2000 of 3241 tokens are shown."])
  assert.equal(shortened([lstm, { ...gru, found: 2900 }], 2).length, 2)
  assert.deepEqual(shortened([], 2), [])
})
