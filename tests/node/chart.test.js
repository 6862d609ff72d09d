// The pure parts of an analysis page's panels.
import assert from "node:assert/strict"
import { test } from "node:test"
import { sign } from "../../dashboard/browser/chart/panel.js"

test("a mark of the legend is that of the figure", () => {
  const marks = [undefined, "circle", "circle-open", "diamond-open", "line-ns-open"].map(sign)
  assert.deepEqual(marks, ["mark", "mark", "ring", "diamond", "tick"])
})
