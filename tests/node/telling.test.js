// The sentence above the figure says of a unit what its lines show, and of each model what it has read itself.
import assert from "node:assert/strict"
import { test } from "node:test"
import { alone, elsewhere } from "../../dashboard/browser/gates/clauses.js"
import { atWord, expectation, unit } from "../../dashboard/browser/gates/telling.js"
import { apart } from "../../dashboard/browser/page/naming.js"

const WORDS = "Mary met John and the king".split(" ")

function side({ words = WORDS, p = [0.5], ids = [0], ...more } = {}) {
  const all = (row) => words.map(() => row)
  const next = { ids: all(ids), p: all(p), words: ["he", "unknown word", "she"], unknown: 1 }
  const spans = words.map((word, step) => [word, step, step, 1])
  return { title: "LSTM", model: "one", words: spans, named: [], ends: words.map((_, k) => k + 1), next, ...more }
}
const told = (keep, memory, { at, ...more } = {}) =>
  unit([side(more)], 0, 3, keep && { label: "f", values: keep }, { label: "c", values: memory }, at)

test("a unit that keeps next to nothing at most words is not said to let go at three of them", () => {
  const values = [0.9, -0.4, 0.6, -0.7, 0.8, -0.8]
  const said = told([1, 0.1, 0.1, 0.1, 0.1, 1], values)
  assert.equal(said, "LSTM’s unit 3 keeps little: f is below 0.50 at 4 of 6 words, and it lets go at 4 of them.")
  const few = told([1, 0.1, 0.1, 0.1, 1, 1], [0.9, -0.4, 0.6, -0.7, -0.8, -0.8])
  assert.equal(few, "LSTM’s unit 3 lets go at “met” (f = 0.10), “John” (f = 0.10), and “and” (f = 0.10).")
})

test("whose unit it is, also of a title that ends in s", () => {
  const peephole = { title: "LSTM with peepholes" }
  const said = told(Array(6).fill(1), [0, 0.8, 0.8, 0.8, 0.8, 0.8], peephole)
  assert.match(said, /^LSTM with peepholes’ unit 3 holds on/)
  const values = () => [{ label: "f", value: 0.5 }]
  assert.match(atWord([side(peephole)], [1], [3], values), /LSTM with peepholes’ unit 3: f = 0.50/)
  const two = [side({ model: "yours" }), side({ model: "general-lstm" })]
  const f = { label: "f", values: Array(6).fill(1) }
  const c = { label: "c", values: [0, 0.8, 0.8, 0.8, 0.8, 0.8] }
  assert.match(unit(two, 0, 3, f, c), /^Your LSTM’s unit 3 holds on/)
  assert.match(unit(two, 1, 3, f, c), /^general-lstm’s unit 3 holds on/)
  assert.match(atWord(two, [1, 1], [3, 3], values), /^At “met”, your LSTM’s unit 3: .*; general-lstm’s unit 3: /)
})

test("where numbers are read, steps are named and counted, not words", () => {
  const numbers = { words: ["1", "2", "3", "4", "5", "6"], ends: [] }
  const [some, most] = [
    told([0.3, 1, 0.12, 1, 1, 0.39], [0.9, 0.9, -0.9, -0.9, -0.02, 0.01], numbers),
    told([1, 0.1, 0.1, 0.1, 0.1, 1], [0.9, -0.4, 0.6, -0.7, 0.8, -0.8], numbers),
  ]
  assert.match(some, /lets go at step 3 \(f = 0.12\); f is below 0.50 at 2 more steps, whether/)
  assert.match(most, /at 4 of 6 steps, and it lets go/)
})

test("a unit lets go only of what it held", () => {
  const said = told([0.3, 1, 0.12, 1, 1, 0.39], [0.9, 0.9, -0.9, -0.9, -0.02, 0.01])
  assert.equal(
    said,
    "LSTM’s unit 3 lets go at “John” (f = 0.12); f is below 0.50 at 2 more words, whether it held anything or not.",
  )
  assert.doesNotMatch(told([1, 1, 1, 0.2, 1, 1], [0, 0.02, 0, 0.01, 0.9, 0.9]), /lets go/) // nothing was held there
  assert.doesNotMatch(told([1, 1, 0.3, 1, 1, 1], Array(6).fill(0.9)), /lets go/) // the same is written again
  assert.match(told([1, 0.2, 1, 1, 1, 1], [-0.8, -0.8, 0.9, 0.9, 0.9, 0.9], { backward: true }), /“met”/)
})

test("a memory that is read as a share of a sum lets go where a heavy word outweighs it, with the gate open", () => {
  const line = (label, values) => ({ label, values })
  const [keep, n] = [line("f", Array(6).fill(1)), line("n", [0.0001, 0.0001, 0.005, 0.005, 0.0052, 0.0052])]
  const memory = line("c", [-0.0001, -0.0001, 0.004, 0.004, 0.004, 0.0042])
  const said = unit([side()], 0, 3, keep, memory, Infinity, n)
  assert.equal(said, "LSTM’s unit 3 lets go at “John” (share kept = 0.02).")
  const named = [{ unit: 3, name: "gender", high: "he", low: "she", side: [-1, -1, 1, 1, 1, 1] }]
  const told = unit([side({ named })], 0, 3, keep, memory, Infinity, n)
  assert.match(told, /lets go at “John” \(share kept = 0.02\). At “king”, c \/ n = 0.81: he.$/)
  const back = line("n", n.values.toReversed())
  const turned = { ...memory, values: memory.values.toReversed() }
  assert.match(unit([side({ backward: true })], 0, 3, keep, turned, Infinity, back), /“and” \(share kept = 0.02\)/)
})

test("of many places the three that changed most are named", () => {
  const long = "Mary met John and the king who was old".split(" ")
  const said = told([1, 0.1, 0.1, 0.1, 0.1, 1, 1, 1, 1], [0.9, -0.4, 0.6, -0.7, 0.8, 0.8, 0.8, 0.8, 0.8], {
    words: long,
  })
  const three = "“met” (f = 0.10), “and” (f = 0.10), and “the” (f = 0.10)"
  assert.equal(
    said,
    `LSTM’s unit 3 lets go at ${three}; f is below 0.50 at “John”, too, whether it held anything or not.`,
  )
  const words = [
    ["Mary", 0, 2, 1],
    ["met", 3, 3, 1],
    ["the", 4, 4, 1],
    ["king", 5, 5, 1],
  ]
  const pieces = { label: "f", values: [0.3, 0.2, 0.4, 0.4, 0.1, 1] }
  const memory = { label: "c", values: [-0.9, 0.9, 0.1, 0.1, 0.5, 0.5] }
  const once = unit([{ ...side(), words }], 0, 3, pieces, memory)
  assert.equal(
    once,
    "LSTM’s unit 3 lets go at “Mary” (piece 2 of 3) (f = 0.20); f is below 0.50 at 2 more words, whether it held anything or not.",
  )
})

test("of a character that stands there twice and is read in bytes it is said which, and which piece of it", () => {
  const words = [
    ["😀", 0, 3, 1],
    ["and", 4, 4, 1],
    ["😀", 5, 9, 1],
  ]
  const bytes = (steps) => Object.fromEntries(steps.map((step) => [step, "4 bytes"]))
  const one = { ...side(), words, pieces: { ...bytes([0, 1, 2, 3, 6, 7, 8, 9]), 5: "␣" } }
  const said = [0, 3, 4, 5, 6, 9].map((step) => elsewhere({ ...one, ends: Array(10).fill(1) }, step))
  assert.deepEqual(said, [
    "the 1st “😀” (piece 1 of 4)",
    "the 1st “😀”",
    "“and”",
    "the space before the 2nd “😀”",
    "the 2nd “😀” (piece 1 of 4)",
    "the 2nd “😀”",
  ])
})

test("the only other word at which the gate is shut is named, by its piece, and what is read before the text is none", () => {
  const words = [
    ["↵", 0, 0, 1],
    ["Priya", 1, 2, 1],
    ["gave", 3, 3, 1],
    ["Oluwaseun", 4, 6, 1],
  ]
  const read = { ...side(), words, ends: [0, 2, 5, 10, 12, 15, 20], pieces: { 1: "Pri-", 2: "-ya", 5: "-wase-" } }
  const line = (label, values) => ({ label, values })
  const memory = line("c", [0.5, -0.8, 0.3, 0.3, 0.3, 0.25, 0.25])
  const said = (f) => unit([read], 0, 3, line("f", f), memory)
  const first = "LSTM’s unit 3 lets go at “Priya” (f = 0.05)" // its last piece
  assert.equal(said([0.04, 0.1, 0.05, 0.9, 0.6, 0.9, 0.9]), `${first}.`)
  const other = "f is below 0.50 at “-wase-” of “Oluwaseun”, too, whether it held anything or not."
  assert.equal(said([0.04, 0.1, 0.05, 0.9, 0.48, 0.46, 0.9]), `${first}; ${other}`)
})

test("a long word fills no line of the headline, nor what is said where it stands alone", () => {
  const words = ["x".repeat(300), ...WORDS.slice(1)]
  const said = told([1, 0.1, 1, 1, 1, 1], [0.9, -0.4, -0.4, -0.4, -0.4, -0.4], { words, at: 0 })
  assert.equal(said, `LSTM’s unit 3 is written at “${"x".repeat(23)}…”: c = 0.90.`)
  assert.equal(alone(side({ words }), 0), `${"x".repeat(23)}…`)
})

test("an open gate holds nothing that is written over", () => {
  const said = told(Array(6).fill(1), [0.9, 0.9, -0.8, -0.8, -0.8, -0.8])
  assert.equal(said, "LSTM’s unit 3 is rewritten at “John” (c from 0.90 to −0.80).")
})

test("a unit holds on after it was written", () => {
  const held = [0.9, 0.9, 0.8, 0.8, 0.8, 0.8]
  const on = (least) => `LSTM’s unit 3 holds on after “Mary”: f never falls below ${least}.`
  assert.equal(told([0.4, 0.87, 0.95, 0.9, 1, 1], held), on("0.87"))
  assert.equal(told([0.4, 0.997, 0.999, 1, 1, 1], held), on("0.99"))
  assert.doesNotMatch(told([0.7, ...Array(5).fill(0.85)], [0.9, 0.7, 0.55, 0.44, 0.36, 0.2]), /holds on/) // it leaks
  assert.equal(told([0.1, ...Array(5).fill(0.7)], held), "LSTM’s unit 3: f moves between 0.10 and 0.70.") // written anew
  const last = told([1, 1, 1, 1, 1, 0.6], [0, 0, 0, 0, 0, -0.9])
  assert.equal(last, "LSTM’s unit 3 is written at “king”: c = −0.90.")
})

test("a unit or a gate that hardly moves is said to", () => {
  const nothing = told([0.9, 0.2, 0.9, 1, 1, 1], [0, 0.02, -0.06, 0, 0, 0])
  assert.equal(nothing, "LSTM’s unit 3 holds nothing: c stays between −0.06 and 0.02.")
  const idle = told([0.46, 0.5, 0.52, 0.49, 0.48, 0.47], [0.3, -0.2, 0.3, -0.2, 0.3, -0.3])
  assert.equal(idle, "LSTM’s unit 3: f stays between 0.46 and 0.52.")
  const wide = told([0.1, 0.9, 0.9, 0.9, 0.7, 0.8], [0.3, 0.2, 0.3, 0.1, 0.3, 0.6])
  assert.equal(wide, "LSTM’s unit 3: f moves between 0.10 and 0.90.")
  assert.equal(told(Array(6).fill(1), [0.2, 0.5, 0.9, 0.5, 0.3, 0.15]), "LSTM’s unit 3: f stays at 1.00.")
  assert.equal(told(null, Array(6).fill(0.9)), "")
})

test("what is read later is not told", () => {
  const lines = [
    [1, 1, 0.1, 1, 1, 1],
    [0.9, 0.9, -0.8, -0.8, -0.8, -0.8],
  ]
  assert.equal(told(...lines, { at: 1 }), "LSTM’s unit 3 holds on after “Mary”: f never falls below 1.00.")
  assert.equal(told(...lines, { at: 3 }), "LSTM’s unit 3 lets go at “John” (f = 0.10).")
  assert.match(told(...lines, { at: 0, backward: true }), /“met”/)
  assert.doesNotMatch(told(...lines, { at: 3, backward: true }), /“met”/)
})

const GENDER = {
  unit: 3,
  name: "gender",
  high: "she",
  low: "he",
  side: [0, 1, -1, -1, -1, -1],
  leans: [0, 1, -1, -1, -1, -1],
  from: 1,
}

test("a named unit says what its sign means, or that it holds little or nothing", () => {
  const named = (at, more) => {
    const one = { ...GENDER, ...more }
    return told([1, 1, 0.1, 1, 1, 1], [0.1, 0.9, -0.8, -0.8, -0.8, -0.3], { at, named: [one] })
  }
  assert.equal(named(0), "LSTM’s gender (unit 3) holds nothing at “Mary”.")
  assert.equal(named(3), "LSTM’s gender (unit 3) lets go at “John” (f = 0.10). At “and”, c = −0.80: he.")
  const faded = { side: [0, 1, -1, -1, -1, 0] }
  assert.equal(named(5, faded), "LSTM’s gender (unit 3) holds little at “king”: c = −0.30, towards he.")
  const nobody = { side: [0, 0, 0, 0, 0, 1], leans: [1, 1, -1, -1, -1, 1], from: 5 } // nobody is spoken of yet
  assert.equal(named(3, nobody), "LSTM’s gender (unit 3) at “and”: c = −0.80.")
})

test("what a named unit that has just been written means is said once", () => {
  const named = [{ ...GENDER, side: Array(6).fill(1) }]
  for (const f of [0.2, 0.95]) {
    const said = told([f, 1, 1, 1, 1, 1], [0.9, 0.9, 0.8, 0.8, 0.8, 0.8], { at: 0, named })
    assert.equal(said, "LSTM’s gender (unit 3) is written at “Mary”: c = 0.90, she.")
  }
  const small = told(Array(6).fill(0.95), [0.2, 0.2, 0.2, 0.2, 0.2, 0.2], { at: 3, named })
  assert.match(small, /: she\.$/)
  assert.doesNotMatch(small, /nothing/)
})

// Before the text the end of another one was read.
const begun = (text, more) => ({ words: ["↵", ...text], ends: [0, ...text.map((_, k) => k + 1)], ...more })

test("what is read before the text is no word of it", () => {
  const two = begun(["Hi", "there"])
  assert.equal(
    told([0.3, 0.8, 0.9], [0.9, -0.9, -0.9], { at: 1, ...two }),
    "LSTM’s unit 3 is written at “Hi”: c = −0.90.",
  )
  const on = told([0.3, 0.1, 0.9], [0.9, -0.9, -0.9], { at: 2, ...two })
  assert.equal(on, "LSTM’s unit 3 holds on after “Hi”: f never falls below 0.90.")
  for (const c of [0.02, 0.9])
    assert.equal(
      told([0.3, 1, 1], [c, 0, 0], { at: 0, ...two }),
      `LSTM’s unit 3: c = ${c.toFixed(2)} before the first word.`,
    )
  const here = [{ ...GENDER, side: [0, 1, 1], leans: [1, 1, 1], from: 1 }]
  assert.match(told([0.3, 1, 1], [0.9, 0.9, 0.9], { at: 0, ...two, named: here }), /c = 0.90 before the first word/)
  const more = told([0.3, 0.7, 1], [-0.88, -1.27, -1.27], { at: 1, ...two })
  assert.equal(more, "LSTM’s unit 3 is written at “Hi”: c = −1.27.")
  // What it left is not written by the first word.
  assert.equal(told([0.3, 0.95, 1], [0.9, 0.9, 0.9], { at: 1, ...two }), "LSTM’s unit 3 at “Hi”: c = 0.90.")
  assert.doesNotMatch(told([0.3, 0.95, 1], [0.9, 0.9, 0.9], { at: 2, ...two }), /after “Hi”/)
  const carried = told([0.3, 0.95, 1], [0.9, 0.9, 0.9], { at: 1, ...two, named: here })
  assert.equal(carried, "LSTM’s gender (unit 3) at “Hi”: c = 0.90, she.")
})

test("the words of the text are counted, and no others", () => {
  const values = [0.9, -0.4, 0.6, -0.7, 0.8, -0.8]
  const little = "LSTM’s unit 3 keeps little: f is below 0.50 at 5 of 6 words, and it lets go at 4 of them."
  assert.equal(told([0.2, 0.1, 0.1, 0.1, 0.1, 1], values), little)
  assert.equal(told([0.2, 0.2, 0.1, 0.1, 0.1, 0.1, 1], [0.9, ...values], begun(WORDS)), little)
  const one =
    "LSTM’s unit 3 lets go at “John” (f = 0.12); f is below 0.50 at “Mary”, too, whether it held anything or not."
  const held = [0.9, 0.9, -0.9, -0.9, -0.9, -0.9]
  assert.equal(told([0.3, 1, 0.12, 1, 1, 1], held), one)
  assert.equal(told([0.3, 0.3, 1, 0.12, 1, 1, 1], [0.9, ...held], begun(WORDS)), one)
})

test("a range of one value is none", () => {
  assert.equal(told([0.9, 1, 1, 1, 1, 1], Array(6).fill(0.02)), "LSTM’s unit 3 holds nothing: c = 0.02.")
  assert.equal(told([0.9, 1, 1, 1, 1, 1], [0.1, 0, 0, 0, 0, 0], { at: 0 }), "LSTM’s unit 3 holds nothing: c = 0.10.")
  assert.match(told([0.4, 1, 1, 1, 1, 1], Array(6).fill(0.9), { at: 0 }), /is written at “Mary”: c = 0.90/)
})

test("in the middle of a word what has been read of it is named", () => {
  const words = [
    ["Angela", 0, 2, 1],
    ["was", 3, 3, 1],
    ["José", 4, 5, 1],
    ["+", 6, 7, 1],
  ]
  const pieces = { 0: "An-", 1: "-ge-", 2: "-la", 4: "2 bytes", 5: "2 bytes", 6: "␣" }
  const ids = Array(8).fill([0])
  const one = {
    ...side({ next: { ids, p: Array(8).fill([0.5]), words: ["he"], unknown: -1 } }),
    ...{ words, pieces, ends: [2, 4, 6, 10, 12, 15, 16, 17] },
  }
  const read = words.flatMap(([, first, last]) => Array.from({ length: last - first + 1 }, (_, k) => first + k))
  const said = read.map((step) => expectation([one], [step]).replace(/After (.+), LSTM.*/, "$1"))
  const started = ["“An-” of “Angela”", "“-ge-” of “Angela”", "“Angela”", "“was”"]
  assert.deepEqual(said, [...started, "“José” (piece 1 of 2)", "“José”", "the space before “+”", "“+”"])
  const bare = ["Angela", "was", "José", "+"]
  assert.deepEqual(
    read.map((step) => alone(one, step)),
    said.map((word) => bare.find((one) => word === `“${one}”`) ?? word),
  )
  const f = { label: "f", values: [1, 0.1, 1, 1, 1, 1, 1, 1] }
  const c = { label: "c", values: [0.9, -0.9, -0.9, -0.9, -0.9, -0.9, -0.9, -0.9] }
  assert.equal(unit([one], 0, 3, f, c), "LSTM’s unit 3 lets go at “-ge-” of “Angela” (f = 0.10).")
  assert.match(unit([one], 0, 3, f, c, 0), /is written at “An-” of “Angela”: c = 0.90/)
  assert.match(
    atWord([one], [0], [3], () => [{ label: "f", value: 0.1 }]),
    /^At “An-” of “Angela”, LSTM’s unit 3: /,
  )
  const back = { ...one, backward: true }
  assert.match(expectation([back], [0]), /^After “Angela”/)
  assert.match(expectation([back], [2]), /^After “-la” of “Angela”/)
})

const expected = (more, step = 3) => expectation([side(more)], [step])

test("a model expects from a quarter on", () => {
  assert.equal(expected({ p: [0.2, 0.1] }), "After “and”, LSTM is undecided, likeliest “he” (20\u202f%).")
  assert.equal(expected({ p: [0.244, 0.1] }), "After “and”, LSTM is undecided, likeliest “he” (24\u202f%).")
  for (const p of [0.246, 0.25]) assert.equal(expected({ p: [p, 0.1] }), "After “and”, LSTM expects “he” (25\u202f%).")
  assert.equal(expected({ p: [0.5, 0.2], ids: [0, 2] }), "After “and”, LSTM expects “he” (50\u202f%).")
  const torn = "After “and”, LSTM is undecided between “he” (50\u202f%) and “she” (30\u202f%)."
  assert.equal(expected({ p: [0.5, 0.3], ids: [0, 2] }), torn)
})

test("an unknown word is not quoted", () => {
  assert.equal(expected({ ids: [1] }), "After “and”, LSTM expects a word it does not know (50\u202f%).")
  assert.match(expected({ p: [0.2, 0.1], ids: [1] }), /likeliest a word it does not know \(20/)
})

test("each model names the word that it read", () => {
  const gru = side({ title: "GRU", model: "two" })
  const same = "After “and”, LSTM expects “he” (50\u202f%), GRU expects “he” (50\u202f%)."
  assert.equal(expectation([side(), gru], [3, 3]), same)
  const apart = "After step 2, LSTM expects “he” (50\u202f%). After “and”, GRU expects “he” (50\u202f%)."
  assert.equal(expectation([side({ words: ["14", "15"], ends: [] }), gru], [1, 3]), apart)
  const bare = side({ words: ["14", "15"], next: { ids: [], p: [], words: [], unknown: -1 } })
  assert.equal(expectation([bare, gru], [1, 3]), "After “and”, GRU expects “he” (50\u202f%).")
  assert.equal(expectation([bare, bare], [1, 1]), "")
})

test("two of the same cell are told apart, and one beside itself is told once", () => {
  const both = "After “and”, LSTM (one) expects “he” (50\u202f%), LSTM (two) expects “he” (50\u202f%)."
  assert.equal(expectation([side(), side({ model: "two" })], [3, 3]), both)
  assert.equal(expectation([side(), side()], [3, 3]), "After “and”, LSTM expects “he” (50\u202f%).")
})

test("in a tour the values at the cursor's word are said, and a next word where one is expected", () => {
  const values = () => [
    { label: "f", value: 0.1, memory: false },
    { label: "c", value: -0.8, memory: true },
  ]
  const sides = [side({ named: [GENDER] })]
  const said = "At “John”, LSTM’s gender (unit 3): f = 0.10, c = −0.80 (he)."
  assert.equal(atWord(sides, [2], [3], values), `${said} After “John”, LSTM expects “he” (50\u202f%).`)
  assert.equal(atWord([side({ named: [GENDER], p: [0.2, 0.1] })], [2], [3], values), said)
  assert.equal(
    atWord([side({ p: [0.2, 0.1] })], [2], [3], () => []),
    "",
  )
})

test("of a word that stands in the text more than once it is said which", () => {
  const words = "the king met the queen and the king".split(" ")
  const keep = [1, 1, 1, 1, 1, 1, 0.1, 1]
  const memory = [0.9, 0.9, 0.9, 0.9, 0.9, 0.9, -0.9, -0.9]
  assert.equal(told(keep, memory, { words }), "LSTM’s unit 3 lets go at the 3rd “the” (f = 0.10).")
  const open = Array(8).fill(1)
  assert.match(
    told(open, [0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9], { words }),
    /^LSTM’s unit 3 holds on after the 1st “king”:/,
  )
  assert.match(told(open, [0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, -0.9], { words }), /rewritten at the 2nd “king” \(c from/)
  assert.match(told(open, [0, 0, 0, 0, 0.9, 0.9, 0.9, 0.9], { words }), /holds on after “queen”:/) // there is one
  const many = Array(24).fill("the")
  const at = (step) => apart(side({ words: many }), step).replace(" “the”", "")
  assert.deepEqual([0, 3, 10, 11, 12, 20, 21, 22].map(at), [
    "the 1st",
    "the 4th",
    "the 11th",
    "the 12th",
    "the 13th",
    "the 21st",
    "the 22nd",
    "the 23rd",
  ])
})
