// What all components share: numbers, markup, messages from Python, what is said.
import assert from "node:assert/strict"
import { test } from "node:test"
import { After } from "../../dashboard/browser/page/after.js"
import { escape, plain } from "../../dashboard/browser/page/markup.js"
import { quoted, unitName, wordTitle } from "../../dashboard/browser/page/naming.js"
import { clamp, digits, number, percent } from "../../dashboard/browser/page/numbers.js"
import { unpack } from "../../dashboard/browser/page/unpack.js"
import { grouped, list, tr } from "../../dashboard/browser/page/words.js"

test("numbers have a true minus, two digits, from 10 on one, and no negative zero", () => {
  const values = [0, -0.001, 0.004, -0.5, 9.99, 9.996, -12.34, 1234.56]
  assert.deepEqual(
    values.map((value) => number(value)),
    ["0.00", "0.00", "0.00", "−0.50", "9.99", "10.0", "−12.3", "1234.6"],
  )
  assert.deepEqual(
    values.map((value) => number(value, 2)),
    ["0.00", "0.00", "0.00", "−0.50", "9.99", "10.00", "−12.34", "1234.56"],
  )
})

test("a line that stays close to 0 is written with the digits that tell its values apart", () => {
  const small = [0, -0.00012, 0.0045]
  assert.deepEqual(
    small.map((value) => number(value, digits(small))),
    ["0.0000", "−0.0001", "0.0045"],
  )
  assert.equal(digits([0.0001, 0.06]), undefined) // two are enough
  assert.equal(digits([0, 0]), undefined)
  assert.equal(digits([1e-30]), 8)
})

test("a space of a number's group ends no line", () => {
  const said = grouped("At “a”, c = −0.82: he (f = 0.08). After “a = b”, h = 0.50 (she), g = −1.00, z.")
  assert.equal(
    said.replaceAll("\u00a0", "_"),
    "At “a”, c_=_−0.82:_he (f_=_0.08). After “a = b”, h_=_0.50_(she), g_=_−1.00,_z.",
  )
})

test("shares have a decimal where a whole percent would hide what is small or missing", () => {
  assert.deepEqual([0.5, 0.1, 0.0999, 0.001, 0.9999, 1].map(percent), [
    "50\u202f%",
    "10\u202f%",
    "10\u202f%",
    "0.1\u202f%",
    "≈100\u202f%",
    "100\u202f%",
  ])
  assert.deepEqual([clamp(3, 0, 2), clamp(-1, 0, 2), clamp(1, 0, 2)], [2, 0, 1])
})

test("what a visitor wrote is no markup of Plotly's", () => {
  const text = "a <b>&amp; c</b> & <"
  assert.equal(escape(text), "a &lt;b&gt;&amp;amp; c&lt;/b&gt; &amp; &lt;")
  assert.equal(plain(escape(text)), text)
})

test("a template is filled in, and what it does not know stays", () => {
  assert.equal(tr("{a} and {b} of {c}", { a: 1, b: "two" }), "1 and two of {c}")
  assert.equal(tr("{cell} unit", { cell: "GRU（Cho）" }), "GRU（Cho）unit")
  assert.equal(tr("在 {word} 和 {other} 处", { word: "“先”", other: "John" }), "在“先”和 John 处")
  assert.equal(tr("{word} 和 {other}", { word: "a", other: "“生”" }), "a 和“生”")
  assert.equal(tr("after {word} it", { word: "“先”" }), "after “先” it")
  assert.equal(tr("{word}", { word: "$& {a}" }), "$& {a}", "a visitor's words are no template")
  assert.equal(list(["a", "b", "c"]), "a, b, and c")
})

test("a quotation mark is quoted in others, also by a template", () => {
  assert.deepEqual(["he", '"', "”", "’s"].map(quoted), ["“he”", '‘"’', "‘”’", "“’s”"])
  assert.equal(tr("After “{word}”, {said}.", { word: "”", said: "it is “he”" }), "After ‘”’, it is “he”.")
  assert.equal(tr("After “{word}”, {said}.", { word: "and", said: "" }), "After “and”, .")
  assert.equal(tr("back to “{word}”"), "back to “{word}”")
})

test("a unit is called by its name where it has one", () => {
  const named = [{ name: "gender", unit: 3, meaning: "", side: Int32Array.of(), high: "she", low: "he" }]
  assert.equal(unitName({ named }, 3), "gender (unit 3)")
  assert.equal(unitName({ named }, 4), "unit 4")
  assert.equal(wordTitle("Zorblax", 0), "Zorblax: not in the vocabulary, read as <unk>")
  assert.equal(wordTitle("Mary", 1), "Mary")
  assert.match(wordTitle("↵", 1), /^↵: the end of a line or a text/)
})

test("a message is unpacked without copying", () => {
  const tree = {
    rows: { $: ["f4", 0, [2, 3]] },
    ids: { $: ["i4", 24, [2]] },
    none: { $: ["f4", 32, [0, 3]] },
    text: "é",
  }
  const json = new TextEncoder().encode(JSON.stringify(tree))
  const text = new Uint8Array(Math.ceil(json.length / 4) * 4).fill(32)
  text.set(json)
  const numbers = new Float32Array([1, 2, 3, 4, 5, 6])
  const bytes = new Uint8Array([
    ...new Uint8Array(Uint32Array.of(text.length).buffer),
    ...text,
    ...new Uint8Array(numbers.buffer),
    ...new Uint8Array(Int32Array.of(7, -8).buffer),
  ])
  const aside = new Uint8Array([0, ...bytes]).subarray(1) // at an odd place, as a message may arrive
  const found = unpack(aside)
  assert.deepEqual(found.rows, [Float32Array.of(1, 2, 3), Float32Array.of(4, 5, 6)])
  assert.deepEqual([found.ids, found.none, found.text], [Int32Array.of(7, -8), [], "é"])
  assert.equal(found.rows[0].buffer, found.ids.buffer)
})

test("what a paint need not wait for comes after it, and what is asked for next takes its place", async () => {
  const [frames, did] = [new Map(), []]
  globalThis.requestAnimationFrame = (paint) => frames.set(frames.size + 1, paint) && frames.size
  globalThis.cancelAnimationFrame = (frame) => frames.delete(frame)
  const painted = () => {
    frames.forEach((paint) => paint())
    frames.clear()
  }
  const soon = () => new Promise((done) => setTimeout(done))
  const after = new After()
  const pieces = (...names) => names.map((name) => () => did.push(name))
  after.paint(pieces("never"))
  after.paint([...pieces("first"), () => after.paint(pieces("key")), ...pieces("overtaken")])
  await soon()
  assert.deepEqual(did, [])
  painted()
  for (let turn = 0; turn < 4; turn++) await soon()
  assert.deepEqual(did, ["first"])
  painted()
  await soon()
  assert.deepEqual(did, ["first", "key"])
})
