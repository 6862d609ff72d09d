// A saved picture says below its grid what the page says, and what its colours mean.
import assert from "node:assert/strict"
import { test } from "node:test"
import { fitting, lines, under } from "../../dashboard/browser/gates/below.js"
import { composed } from "../../dashboard/browser/gates/export.js"
import { meanings } from "../../dashboard/browser/gates/tint.js"

test("a text is cut into lines where words end, and Chinese between any two characters", () => {
  const text = "LSTM expects “he” (93 %) after all that it has read, and the GRU does as well."
  const cut = lines(text, 200)
  assert.equal(cut.join(""), text)
  assert.ok(cut.length > 2 && cut.slice(0, -1).every((line) => line.endsWith(" ")))
  assert.deepEqual(lines("读到他时预测", 40), ["读到他", "时预测"])
  assert.deepEqual(lines("", 40), [])
  const chinese = "读到“，”时 c = −1.49，即“他”。在“，”之后，LSTM 预测“他”（90%），GRU 预测“他”（92%）。"
  assert.deepEqual(lines(chinese, 2000), [chinese])
  for (let room = 60; room < 300; room += 7) {
    assert.equal(lines(chinese, room).join(""), chinese)
    for (const line of lines(chinese, room)) assert.match(line, /^[^”），。].*[^“（\s]\s?$/, `${room}: ${line}`)
  }
})

test("a title that is too long for its column is without the model's name", () => {
  const titles = ["LSTM  pronouns_zh-lstm，“性别”单元（0 号）", "LSTM，“性别”单元（0 号）"]
  assert.deepEqual(
    [400, 200, 20].map((room) => fitting(titles, room)),
    [titles[0], titles[1], titles[1]],
  )
})

test("the scales stand beside each other below the grid, on a phone one below the other", () => {
  /** @type {any} */
  const geometry = { width: 900, height: 400, narrow: false }
  const scale = (/** @type {string} */ text) => ({
    colors: [
      [0, "#000000"],
      [1, "#ffffff"],
    ],
    text,
  })
  /** @type {any} */
  const below = { text: "It says so.", scales: [scale("0 to 1  f, i"), scale("-1 to 1  h")] }
  const page = { background: "#ffffff", ink: "#000000", font: "serif" }
  /** @type {any} */
  const picture = { figure: { data: [], layout: { font: { size: 12 } } }, geometry, labels: [], frames: [], page }
  const [[, bare], [{ layout }, size]] = [composed(picture), /** @type {any} */ (composed({ ...picture, below }))]
  assert.deepEqual(
    layout.annotations.map((/** @type {any} */ one) => one.text),
    ["It says so.", "0 to 1  f, i", "-1 to 1  h"],
  )
  assert.equal(layout.font.size, 12)
  assert.match(layout.font.family, /^[a-z-]+(, [a-z-]+)*$/, "without quotes, which Plotly and Firefox would mangle")
  const room = size.height - bare.height
  assert.ok(size.width > bare.width, "and the last letters are not cut")
  assert.ok(room > 40 && layout.margin.b - layout.margin.t === room, "the grid stays as large as it was")
  for (const { y } of layout.annotations) assert.ok(y < 0 && y * geometry.height > -room)
  const [first, last] = [layout.shapes[0], layout.shapes.at(-1)]
  assert.equal(first.fillcolor, "rgb(2,2,2)")
  assert.ok(first.y0 < 0 && last.x1 < 1 && last.x1 > 0.5)
  const narrow = under(below, { ...geometry, narrow: true })
  assert.ok(narrow.height > room && narrow.labels[2].y > narrow.labels[1].y)
})

test("a saved picture has the tints of its words, and says below the scales what they mean", () => {
  const tints = meanings(["#7f3b08", "#5f3a91"])
  const [, [forIt], [against]] = tints
  assert.deepEqual([forIt, against], ["rgba(95, 58, 145, 0.45)", "rgba(127, 59, 8, 0.45)"])
  /** @type {any} */
  const geometry = { width: 900, height: 400, narrow: false }
  const scale = { colors: [[0, "#000000"], [1, "#ffffff"]], text: "0 to 1  f, i" } // prettier-ignore
  /** @type {any} */
  const below = { text: "It says so.", scales: [scale, scale] }
  const [bare, wide] = [under(below, geometry), under({ ...below, tints }, geometry)]
  const [about, ...said] = wide.labels.slice(bare.labels.length)
  const swatches = wide.bars.slice(bare.bars.length)
  assert.deepEqual([about.text, ...said.map(({ text }) => text)], [tints[0], tints[1][1], tints[2][1]])
  assert.deepEqual(
    swatches.map(({ color }) => color),
    [forIt, against],
  )
  assert.ok(wide.height > bare.height && about.y > bare.labels.at(-1).y && said.every(({ y }) => y === about.y))
  assert.ok(about.x < swatches[0].x && swatches[0].x < said[0].x && said[0].x < swatches[1].x)
  const narrow = under({ ...below, tints }, { ...geometry, width: 300, narrow: true })
  const rows = narrow.labels.slice(-3).map(({ y }) => y)
  assert.ok(rows[0] < rows[1] && rows[1] < rows[2] && rows[2] < geometry.height + narrow.height)
  const page = { background: "#ffffff", ink: "#000000", font: "serif" }
  const labels = [
    { x: 1, y: 2, text: "he", background: forIt },
    { x: 1, y: 2, text: "she" },
  ]
  const [{ layout }] = /** @type {any} */ (
    composed({ figure: /** @type {any} */ ({ data: [], layout: { font: {} } }), geometry, labels, frames: [], page })
  )
  assert.deepEqual(
    layout.annotations.map((/** @type {any} */ one) => one.bgcolor),
    [forIt, "rgba(0, 0, 0, 0)"],
  )
})
