// What is carried of Plotly.js is what npm publishes, byte for byte.
import assert from "node:assert/strict"
import { readFile } from "node:fs/promises"
import { test } from "node:test"

const carried = new URL("../../lstm_core/drawing/vendor/plotly-cartesian.min.js", import.meta.url)
const published = new URL("../../node_modules/plotly.js-cartesian-dist-min/plotly-cartesian.min.js", import.meta.url)

test("Plotly.js is as npm publishes it", async () => {
  assert.ok((await readFile(carried)).equals(await readFile(published)))
})
