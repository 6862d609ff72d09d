// The pure parts of an analysis page's panels.
import assert from "node:assert/strict"
import { test } from "node:test"
import { picked, roomy, sign } from "../../dashboard/browser/chart/panel.js"

test("a mark of the legend is that of the figure", () => {
  const marks = [undefined, "circle", "circle-open", "diamond-open", "line-ns-open"].map(sign)
  assert.deepEqual(marks, ["mark", "mark", "ring", "diamond", "tick"])
})

test("a click chooses the step of the row, by the word where the figure's model cuts the text differently", () => {
  assert.equal(picked({ pick: "x" }, { x: 2, y: 5 }), 2)
  assert.equal(picked({ pick: "x", at: [0, 0, 1] }, { x: 2, y: 5 }), 1)
  assert.equal(picked({ pick: "y", at: [0, 0, 1] }, { x: 2, y: 1 }), 0)
  assert.equal(picked({ pick: "x" }, { x: 12.75 }), 13)
  assert.deepEqual([picked({ pick: "x" }, undefined), picked(undefined, { x: 1 })], [undefined, undefined])
})

const axis = (labels, angle = 0) => ({
  tickmode: "array",
  tickangle: angle,
  tickvals: labels.map((_, k) => k),
  ticktext: labels,
  range: [-0.5, labels.length - 0.5],
})

test("upright labels that find no room side by side stand in two lines, and only then are some left out", () => {
  const labels = [..."昨天王女士遇见了李先生"]
  const { length } = labels
  assert.deepEqual(roomy(axis(labels), 12 * length), axis(labels))
  const two = roomy(axis(labels), 6 * length)
  assert.deepEqual(two.tickvals, axis(labels).tickvals)
  assert.deepEqual(two.ticktext.slice(0, 4), ["昨", "<br>天", "王", "<br>女"])
  const fewer = roomy(axis(labels), 4 * length)
  assert.deepEqual(fewer.tickvals, [0, 2, 4, 6, 8, 10])
  assert.deepEqual(fewer.ticktext.slice(0, 3), ["昨", "<br>王", "士"])
})

test("labels beside an axis, or of two lines already, are not moved", () => {
  const labels = [..."abcdefgh"]
  assert.deepEqual(roomy(axis(labels), 44, true).ticktext, ["a", "c", "e", "g"])
  assert.deepEqual(roomy(axis(["a<br>b", "c<br>d", "e<br>f", "g<br>h"]), 14).ticktext, ["a<br>b", "e<br>f"])
})

test("on the slant two lines become one where the next label stands on them, and only then are some left out", () => {
  const slanted = axis(["Mary<br>John", "went", "home", "she<br>he"], -40)
  assert.equal(roomy(slanted, 4 * 40), slanted)
  const one = roomy(slanted, 4 * 19)
  assert.deepEqual(one.ticktext, ["Mary/John", "went", "home", "she/he"])
  assert.deepEqual(one.tickvals, slanted.tickvals)
  const fewer = roomy(slanted, 4 * 10)
  assert.deepEqual(
    [fewer.ticktext, fewer.tickvals],
    [
      ["Mary/John", "home"],
      [0, 2],
    ],
  )
  assert.deepEqual(roomy(slanted, 1).ticktext, ["Mary/John"])
  const { range, ...own } = slanted // that Plotly ranges
  assert.deepEqual(roomy(own, 1).ticktext, roomy({ ...own, range }, 1).ticktext)
  assert.deepEqual(roomy({ ...own, tickangle: 0 }, 4 * 10).ticktext.length > 0, true)
  const plain = axis([..."abcdefgh"], -40)
  assert.equal(roomy(plain, 8 * 15), plain)
})
