// The grid: where its panels stand, which rows they have, what Plotly is to draw of them, and how words are tinted.
import assert from "node:assert/strict"
import { test } from "node:test"
import { arrange } from "../../dashboard/browser/gates/geometry.js"
import { scales } from "../../dashboard/browser/gates/overlay.js"
import { plotted, reach } from "../../dashboard/browser/gates/plotted.js"
import { Rows } from "../../dashboard/browser/gates/rows.js"
import { shares } from "../../dashboard/browser/gates/tint.js"

const values = (...rows) => rows.map((row) => Float32Array.from(row))
const HEAT = { type: "heatmap", coloraxis: "coloraxis" }
// Three steps; units 1 and 4 of six have a row, four rows below them sum up the others, and h is projected to two units.
const KEEP = values([0.1, 0.2, 0.3], [0.9, 0.8, 0.7], [NaN, NaN, NaN], [1, 1, 1], [0.5, 0.5, 0.5], [0, 0, 0])
const DATA = [
  { ...HEAT, z: KEEP, meta: { side: 0, role: "keep", signal: "f", band: true } },
  { ...HEAT, z: values([-2, 1, 3]), meta: { side: 0, role: "hidden", signal: "h", band: false } },
  { ...HEAT, z: values([1, 0, 0], [0.5, 0.5, 0]), meta: { side: 0, role: "attention", signal: "a", sources: true } },
  { type: "scatter", line: { color: "red" }, meta: { side: 0, role: "hidden", signal: "h", strip: "values" } },
]
const SIDE = { units: Int32Array.of(1, 4), orders: { index: Int32Array.of(1, 4), keep: Int32Array.of(4, 1) } }
const panel = (row, signal, more) => ({ kind: "panel", row, side: 0, signal, ...more })
const STRIP = { kind: "strip", row: "values", side: 0, signals: ["h"] }

test("rows are called by their units, in the order that is asked for, and by what sums up the others", () => {
  const rows = new Rows([SIDE], DATA)
  assert.deepEqual(rows.of(panel("keep", "f", { others: 4 }), "index"), [1, 4, "gap", "high", "median", "low"])
  assert.deepEqual(rows.of(panel("keep", "f", { others: 4 }), "keep").slice(0, 2), [4, 1])
  assert.deepEqual(rows.of(panel("keep", "f", { others: 4 }), "no such").slice(0, 2), [1, 4])
  assert.deepEqual(rows.of(panel("hidden", "h"), "index"), [1]) // a projected h has no row of unit 4
  assert.deepEqual(rows.of(panel("attention", "a", { sources: true }), "index"), [0, 1])
  assert.deepEqual(rows.of(panel("none", null), "index"), [])
  assert.equal(rows.row(0, "f", 4), KEEP[1])
  assert.equal(rows.row(0, "f", "low"), KEEP[5])
  assert.equal(rows.row(0, "no such", 4), undefined)
  assert.deepEqual([rows.has(0, 4), rows.has(0, 2), rows.has(0, null)], [true, false, false])
})

const SCALE = [[0, "white"]]
const CONTENT = {
  figure: { data: DATA, layout: { coloraxis2: { colorscale: SCALE }, coloraxis3: { colorscale: SCALE, cmax: 3 } } },
  dark: { layout: { coloraxis2: { colorscale: [[0, "black"]] } }, lines: { hidden: "pink" } },
}
function seen(more) {
  const box = { x: 100, y: 50, width: 60, height: 30 }
  const panels = [panel("keep", "f", { others: 4, box }), panel("hidden", "h", { box }), { ...STRIP, high: 3, box }]
  const rows = new Rows([SIDE], DATA)
  return { panels, pitch: [20], view: () => [1, 3], rows, sortBy: "keep", units: [1], dark: false, ...more }
}
const SIZE = { width: 200, height: 90 }

test("what is drawn is what is in view, in its order, in the pixels of its panel", () => {
  const { data, layout } = plotted(CONTENT, seen(), SIZE)
  assert.deepEqual(
    data.map(({ meta }) => meta.role),
    ["keep", "hidden", "hidden"], // the panel of attention is not seen
  )
  const [keep, , line] = data
  assert.deepEqual(keep.z.slice(0, 2), values([0.8, 0.7], [0.2, 0.3]))
  assert.deepEqual([keep.x0, keep.dx, keep.y0, keep.dy], [110, 20, 52.5, 5])
  assert.deepEqual(line.x, [100, 120, 140])
  assert.deepEqual(Array.from(line.values), [-2, 1, 3]) // all steps: the readout asks for any of them
  const height = (value) => 50 + (30 * (3.24 - value)) / 6.48
  line.y.forEach((y, k) => assert.ok(Math.abs(y - height([1, 3, 3][k])) < 1e-9))
  assert.deepEqual(
    [layout.xaxis.range, layout.yaxis.range],
    [
      [0, 200],
      [90, 0],
    ],
  )
})

test("a dark page has its own colours, and a scale of its own keeps its ends", () => {
  const { data, layout } = plotted(CONTENT, seen({ dark: true }), SIZE)
  assert.deepEqual(layout.coloraxis3, { colorscale: [[0, "black"]], cmax: 3 })
  assert.equal(data[2].line.color, "pink")
  assert.equal(plotted(CONTENT, seen(), SIZE).data[2].line.color, "red")
})

test("a scale from 0 has a gate's colours on a dark page too", () => {
  const { figure } = CONTENT
  const layout = { ...figure.layout, coloraxis4: { cmin: 0, cmax: 0.03, colorscale: [[0, "white"]] } }
  const dark = { ...CONTENT.dark, layout: { ...CONTENT.dark.layout, coloraxis: { colorscale: [[0, "teal"]] } } }
  const drawn = plotted({ ...CONTENT, dark, figure: { ...figure, layout } }, seen({ dark: true }), SIZE)
  assert.deepEqual(drawn.layout.coloraxis4, { cmin: 0, cmax: 0.03, colorscale: [[0, "teal"]] })
})

test("the legend says a letter with its side where the other's stands on another scale, and a Greek one as drawn", () => {
  const axis = (cmin, cmax) => ({ colorscale: [[0, "white"]], cmin, cmax })
  const map = (side, role, signal, coloraxis) => ({ type: "heatmap", coloraxis, meta: { side, role, signal } })
  const data = [
    map(0, "write", "z", "coloraxis"),
    map(1, "candidate", "z", "coloraxis2"),
    map(0, "hidden", "h", "coloraxis2"),
    map(1, "cell", "c", "coloraxis10"),
    map(1, "hidden", "h", "coloraxis9"), // without bounds, and as large here
    map(1, "attention", "alpha", "coloraxis"),
  ]
  const alpha = { kind: "panel", row: "attention", side: 1, signal: "alpha", label: "α" }
  const layout = {
    coloraxis: axis(0, 1),
    coloraxis2: axis(-1, 1),
    coloraxis9: axis(-1, 1),
    coloraxis10: axis(-0.0453, 0.0453),
  }
  const found = scales({ data, layout: { ...layout, meta: { panels: [alpha] } } }, (side) => ["minGRU", "sLSTM"][side])
  assert.deepEqual(
    found.map(({ range, letters }) => [range, letters]),
    [
      ["0 to 1", "z (minGRU), α"],
      ["−1 to 1", "z (sLSTM), h"],
      ["−0.045 to 0.045", "c"],
    ],
  )
})

test("a unit that a projected h does not have has no line, and the panel reaches to 1 then", () => {
  assert.equal(plotted(CONTENT, seen({ units: [4] }), SIZE).data.length, 2)
  assert.equal(reach(STRIP, seen({ units: [4] })), 1)
  assert.equal(reach(STRIP, seen()), 3)
})

const ROOM = { width: 1366, height: 600, rows: ["gates", "keep", "write"], strips: ["gates"], wordsHeight: 40 }

test("two sides stand beside each other, or below where there is no room for both", () => {
  const wide = arrange({ ...ROOM, sides: 2, empty: () => false })
  assert.equal(wide.boxes.length, 6)
  assert.ok(wide.height <= 600 && wide.tops[1].left + wide.column <= 1366)
  assert.ok(wide.tops[0].left + wide.column < wide.tops[1].left)
  const narrow = arrange({ ...ROOM, width: 390, sides: 2, empty: (row, side) => side === 1 && row === "write" })
  assert.deepEqual([narrow.tops[0].left, narrow.narrow], [narrow.tops[1].left, true])
  assert.ok(narrow.tops[1].title > narrow.tops[0].bottom)
  const tall = (row, side) => narrow.boxes.find((box) => box.row === row && box.side === side).height
  assert.equal(tall("write", 1), 18) // nothing is drawn there
  assert.equal(tall("write", 0), tall("keep", 0))
  for (const { boxes } of [wide, narrow]) {
    const column = boxes.filter(({ side }) => side === 0)
    column.slice(1).forEach(({ y }, k) => assert.ok(y >= column[k].y + column[k].height)) // none over another
  }
})

test("a row alone takes all the height, and no panel is lower than asked for", () => {
  const alone = arrange({ ...ROOM, rows: ["keep"], strips: [], sides: 1, empty: () => false })
  assert.ok(alone.boxes[0].height > 450)
  const low = arrange({ ...ROOM, height: 100, sides: 1, empty: () => false, least: 72 })
  assert.equal(low.boxes.find(({ row }) => row === "keep").height, 72)
})

test("each word is tinted by what it adds, as a share of the word that adds most", () => {
  const adds = Float32Array.of(9, 9, 9, 1, -2, 0.5) // the rows of steps 0, 1 and 2
  const words = [
    { first: 0, last: 0 },
    { first: 1, last: 2 },
  ]
  assert.deepEqual(shares(adds, 2, words), [1 / 1.5, -1])
  assert.deepEqual(shares(adds, 1, words), [1, 1])
  assert.deepEqual(shares(null, 2, words), [0, 0])
  assert.deepEqual(shares(Float32Array.of(0), 0, words.slice(0, 1)), [0])
})
