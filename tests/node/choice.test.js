// What a visitor has chosen is not undone by an answer to what was chosen before.
import assert from "node:assert/strict"
import { test } from "node:test"

/** @type {any} */
const global = globalThis
const window = { location: new URL("http://host/memory?text=We"), history: { state: null, replaceState() {} } }
const element = () => ({ setAttribute() {}, append() {}, isConnected: false, dataset: {} })
const documentElement = { classList: { toggle() {} } }
const document = { querySelectorAll: () => [], querySelector: () => null, createElement: element, documentElement }
Object.assign(global, { window, document })
const { Choice } = await import("../../dashboard/browser/page/choice.js")
const { Chart } = await import("../../dashboard/browser/chart/chart.js")
const { Frames } = await import("../../dashboard/browser/frames/frames.js")
const { Picture } = await import("../../dashboard/browser/picture/picture.js")

/** @type {any[]} */
let told = []
/** @template One @param {{ prototype: One }} of @param {object} parts @returns {any} */
function bare(of, parts) {
  told = []
  const choice = new Choice()
  choice.tell = (one) => told.push(one)
  return Object.assign(Object.create(/** @type {any} */ (of.prototype)), { choice, ...parts })
}
const words = ["We", "all", "live", "here"].map((word, k) => [word, k, k, 1])
const row = { mark() {} }

test("an answer holds if it knows of the newest choice", () => {
  const choice = new Choice()
  assert.ok(choice.answered(undefined), "before anything is chosen")
  const [first, second] = [1, 1].map((value) => {
    choice.tell = (one) => told.push(one)
    choice.make(value)
    return told.pop().number
  })
  assert.notEqual(first, second)
  assert.deepEqual(
    [first, null, second, first].map((heard) => choice.answered(heard)),
    [false, false, true, true],
  )
})

test("keys that are faster than the server leave the cursor where they have brought it", async () => {
  const chart = bare(Chart, { step: 0, count: 0, row, root: {}, render: async () => {} })
  const content = (/** @type {number} */ step, /** @type {number=} */ heard, text = "We", row = words) =>
    chart.take({ words: row, step, heard, panels: [], columns: 1, of: { text } })
  await content(0)
  for (const step of [1, 2, 1, 3]) chart.choose(step)
  assert.deepEqual(
    told.map(({ value }) => value),
    [1, 2, 1, 3],
  )
  for (const { value, number } of told) {
    await content(value, number)
    assert.equal(chart.step, 3)
  }
  await content(0, told[3].number)
  assert.equal(chart.step, 0, "the server may go elsewhere")
  chart.choose(2)
  await content(1, told[3].number, "We too", words.slice(0, 2))
  assert.equal(chart.step, 1, "another text has a cursor of its own")
  chart.choose(0)
  await content(1, told[3].number, "We too", [["We too", 0, 1, 1]])
  assert.equal(chart.step, 1, "so has another row")
})

test("of pictures in their order the one that was chosen stays", () => {
  const strip = { setAttribute() {}, replaceChildren() {}, children: [], contains: () => false }
  const [plain, large] = [{ replaceChildren() {} }, { replaceChildren() {} }]
  const frames = bare(Frames, {
    ...{ strip, large, keys: plain, play: {}, said: {}, root: { dataset: {} }, drawn: "", timer: 0, step: 0 },
    small: () => null,
    mark: (/** @type {number} */ step) => (frames.step = step),
  })
  const shown = (/** @type {string[]} */ labels) => labels.map((label) => ({ label, image: "", boxes: [], heat: null }))
  const content = (/** @type {number} */ step, /** @type {number=} */ heard, labels = ["a", "b", "c"]) =>
    frames.take({ frames: shown(labels), step, heard, keys: [], title: "", film: 0 })
  content(0)
  frames.choose(1)
  frames.choose(2)
  content(1, told[0].number)
  assert.equal(frames.step, 2)
  content(1, told[0].number, ["d", "e"])
  assert.equal(frames.step, 1, "other pictures have a choice of their own")
})

test("what was put on a picture stays while answers to less come", () => {
  const picture = bare(Picture, { brush: { color: "r", form: "c" }, root: { dataset: {} }, draw() {} })
  const content = (/** @type {string} */ shown, /** @type {number=} */ heard) =>
    picture.take({ picture: shown, heard, most: 4, side: 4 })
  content("bs0")
  picture.put(1)
  picture.put(2)
  assert.deepEqual(
    told.map(({ value }) => value),
    ["bs0-rc1", "bs0-rc1-rc2"],
  )
  content("bs0-rc1", told[0].number)
  assert.deepEqual([...picture.shapes.keys()], [0, 1, 2])
  picture.show("bs3")
  picture.put(1)
  assert.equal(told.at(-1).value, "rc1-bs3", "an example is there at once")
  content("gt5", told.at(-1).number)
  assert.deepEqual([...picture.shapes], [[5, "gt"]])
})
