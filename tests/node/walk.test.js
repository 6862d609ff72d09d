// The pure parts of the walk: colours, formulas, notations, how a text goes on.
import assert from "node:assert/strict"
import { before, test } from "node:test"
import { largest } from "../../dashboard/browser/walk/pushes.js"
import { equation, formula, lettered, letters, softmaxed } from "../../dashboard/browser/walk/formula.js"
import { Notation, written } from "../../dashboard/browser/walk/notation.js"
import { describe } from "../../dashboard/browser/walk/look.js"
import { colorOf, inkOn } from "../../dashboard/browser/walk/scale.js"
import { placeOf } from "../../dashboard/browser/walk/moment.js"
import { beneath, joined, pieces, spoken } from "../../dashboard/browser/walk/text.js"

const LSTM = { memory: "c", candidate: "g", output: "h", layer: 0 }
const style = (kind = "", more = {}) => new Notation(kind, { ...LSTM, ...more })
const v = (name) => ({ s: `v.${name}` })
const op = (o, ...a) => ({ o, a })

// As much of a document as formulas need, written out as text.
class Element {
  constructor(tag) {
    Object.assign(this, { tag, children: [], attributes: {} })
  }
  append(...children) {
    this.children.push(...children)
  }
  setAttribute(name, value) {
    this.attributes[name] = value
  }
  get textContent() {
    return this.children.map((child) => child.textContent ?? child).join("")
  }
  get shape() {
    const [inner, bare] = [this.children.map((child) => child.shape ?? child).join(" "), ["mi", "mn", "mo", "mtext"]]
    return bare.includes(this.tag) ? inner : `${this.tag.replace("mrow", "")}(${inner})`
  }
}

before(() => {
  globalThis.document = { createElementNS: (_, tag) => new Element(tag), createElement: (tag) => new Element(tag) }
})

test("a colour lies between those beside it", () => {
  const scale = [
    [0, "#000000"],
    [0.5, "#0000ff"],
    [1, "#ffffff"],
  ]
  assert.deepEqual(
    [-1, 0.25, 0.5, 0.75, 2].map((share) => colorOf(scale, share)),
    ["rgb(0,0,0)", "rgb(0,0,128)", "rgb(0,0,255)", "rgb(128,128,255)", "rgb(255,255,255)"],
  )
  assert.deepEqual(["rgb(0,0,255)", "rgb(250,250,200)"].map(inkOn), ["#ffffff", "#16191d"])
})

test("a node without a letter is called by what comes into it", () => {
  const product = (weights, from) => op("@", { s: `p.${weights}` }, { s: from })
  const nodes = [
    { id: 0, kind: "old", label: "c", signal: null },
    { id: 1, kind: "layer", label: "sigmoid", signal: "f", formula: op("sigmoid", product("W_f", "x")) },
    { id: 2, kind: "product", label: "*", signal: null, value: 2 },
    { id: 3, kind: "function", label: "tanh", signal: null, value: 3 },
    { id: 4, kind: "sum", label: "+", signal: null, value: 4 },
    { id: 5, kind: "input", label: "x", signal: null },
    { id: 6, kind: "layer", label: "Wx+b", signal: null, value: 6, formula: op("+", product("W_n", "x"), v("b_n")) },
    { id: 7, kind: "layer", label: "Wx+b", signal: null, value: 7, formula: op("+", product("W_i", "x"), v("b_i")) },
    { id: 8, kind: "quotient", label: "/", signal: null, value: 8, formula: op("/", { s: "s.c" }, v("f")) },
  ]
  nodes.push({
    id: 9,
    kind: "difference",
    signal: null,
    value: 9,
    formula: op("-", nodes[7].formula, nodes[6].formula),
  })
  const wires = [
    { from: 1, to: 2 },
    { from: 0, to: 2 },
    { from: 1, to: 3 },
    { from: 2, to: 4 },
    { from: 6, to: 4 },
    { from: 5, to: 6 },
    { from: 5, to: 7 },
    { from: 1, to: 8 },
    { from: 0, to: 8 },
    { from: 6, to: 9 },
    { from: 7, to: 9 },
  ]
  const here = { side: { signals: {}, diagram: { nodes, wires } }, value: (of) => of / 10, veils: () => false }
  const said = [2, 3, 4, 6, 7, 8, 9].map((id) => describe(here, nodes[id]))
  assert.deepEqual(said, [
    "product of f, old c, 0.20",
    "function of f, 0.30",
    "sum of product, layer W_n, 0.40",
    "layer W_n of x, 0.60",
    "layer W_i of x, 0.70",
    "quotient of old c, f, 0.80",
    "difference of layer W_i, layer W_n, 0.90",
  ])
})

test("a formula has brackets where it would be read otherwise, and only there", () => {
  const told = (tree) => formula(tree, letters, style()).textContent
  const [a, b, c] = ["a", "b", "c"].map(v)
  assert.equal(told(op("*", op("+", a, b), c)), "(at+bt)⊙ct")
  assert.equal(told(op("+", op("*", a, b), c)), "at⊙bt+ct")
  assert.equal(told(op("-", a, op("-", b, c))), "at−(bt−ct)")
  assert.equal(told(op("-", op("-", a, b), c)), "at−bt−ct")
  assert.equal(told(op("-", { n: 0 }, a)), "−at")
  assert.equal(told(op("sigmoid", op("+", a, b))), "σ(at+bt)")
  assert.equal(told(op("maximum", a, { n: -1 })), "max(at,−1)")
})

test("a formula in numbers writes a negative one with its sign once", () => {
  const numbers = { "v.a": 0.5, "v.b": -0.25, "v.c": 2 }
  const value = (tree) => numbers[tree.s]
  const told = (tree) => formula(tree, value, style()).textContent
  assert.equal(told(op("+", v("a"), v("b"))), "0.50−0.25")
  assert.equal(told(op("*", v("a"), v("b"))), "0.50·(−0.25)")
  assert.equal(equation("c", op("*", v("a"), v("c")), value, style(), 1).textContent, "ct=0.50·2.00=1.00")
})

test("letters stand with their time and their layer", () => {
  assert.deepEqual(lettered("W_i_d"), ["W", "i,d"])
  const shape = (key, layer = 0) => formula(op("sigmoid", { s: key }), letters, style("", { layer })).children[2].shape
  assert.equal(shape("s.c"), "msub(c (t−1))")
  assert.equal(shape("p.W_f"), "msub(W (f))")
  assert.equal(shape("v.h", 1), "msubsup(h (t) ℓ)")
  assert.equal(shape("x", 1), "msubsup(h (t) ℓ−1)")
})

test("the share of a word is written with its score and the sum", () => {
  assert.equal(softmaxed("he", 12.34, 13.5, "31 %").textContent, "p(he)=e12.34e13.50=31 %")
})

test("each notation has its own names", () => {
  const essays = style("essays")
  assert.deepEqual([essays.name("c"), essays.name("g"), essays.name("h")], ["C", "C̃", "h"])
  assert.equal(essays.weight("W_g"), "W_C")
  const slides = style("slides")
  assert.deepEqual([slides.name("h"), slides.weight("W_i"), slides.weight("U_i")], ["s", "U_i", "W_i"])
  assert.equal(slides.affine("Wx+Uh"), "Ux+Ws")
})

test("the essays' one matrix reads the state and the input, side by side", () => {
  const product = (weight, read, value) => ({ o: "@", a: [{ s: `p.${weight}` }, { s: read }], v: value })
  const sum = op("+", op("+", product("W_f", "x", 1), product("U_f", "s.h", 2)), { s: "p.b_f" })
  const essays = style("essays")
  const tree = essays.tree(sum)
  assert.equal(written(tree, essays), "W_f @ [prev_h, x] + b_f")
  assert.deepEqual(
    essays.blocks(tree).map(({ blocks, v: places }) => [blocks, places]),
    [
      [
        ["U_f", "W_f"],
        [2, 1],
      ],
    ],
  )
  assert.equal(style().tree(sum), sum, "PyTorch's letters are the cell's own")
})

test("a text goes on with a word as it is written", () => {
  const cases = [
    ["Mary met", "John", "Mary met John"],
    ["Mary met ", "John", "Mary met John"],
    ["Mary", ".", "Mary."],
    ["she said:", "(", "she said: ("],
    ["walk", "##ing", "walking"],
    ["昨天", "他", "昨天他"],
    ["昨天 a", "b", "昨天 a b"],
    ["", "a", " a".trim()],
  ]
  for (const [text, add, said] of cases) assert.equal(joined(text, add), said)
})

test("what is spoken of at a step stands there once", () => {
  const ids = [Int32Array.of(7, 3, 9, 3, 4)]
  assert.deepEqual(spoken({ ids, likeliest: 3 }, 0), [0, 1, 2, 4])
})

test("beneath a step stands what there is room for, and of a character in bytes which of them", () => {
  const tokens = [
    "去",
    "麤，第 1 字节，共 3 字节",
    "麤，第 2 字节，共 3 字节",
    "麤，第 3 字节，共 3 字节",
    "grandmother",
    "大学生了",
  ]
  const words = [
    ["去", 0, 0, 1],
    ["麤", 1, 3, 0],
    ["grandmother", 4, 4, 1],
    ["大学生了", 5, 5, 1],
  ]
  const under = tokens.map((_, step) => beneath({ tokens, words }, step, 7))
  assert.deepEqual(under, ["去", "麤 1/3", "麤 2/3", "麤 3/3", "grandm…", "大学生…"])
  assert.deepEqual(beneath({ tokens: ["flu-", "-ent"], words: [["fluent", 0, 1, 1]] }, 1, 7), "-ent")
})

test("the largest parts come first, and all others together", () => {
  const parts = [1, -5, 3, 0.5].map((value, k) => [k, value])
  assert.deepEqual(largest(parts, 2), [
    [
      [1, -5],
      [2, 3],
    ],
    1.5,
  ])
})

test("of a word in pieces it is said which one is read, and what they are", () => {
  const words = [
    ["billiards", 0, 2, 1],
    ["was", 3, 3, 1],
    ["山", 4, 5, 1],
  ]
  const tokens = ["bill-", "-i-", "-ards", "was", "山, byte 1 of 2", "山, byte 2 of 2"]
  const said = tokens.map((_, step) => placeOf({ words, tokens }, step))
  const three = ["“bill-”", "“-i-”", "“-ards”"].map((one) => `${one} of “billiards”`)
  assert.deepEqual(said, [...three, "“was”", "“山” (piece 1 of 2)", "“山” (piece 2 of 2)"])
  const all = "“bill-”, “-i-”, “-ards”: the pieces in which “billiards” is read, one after the other."
  assert.deepEqual(
    tokens.map((_, step) => pieces({ words, tokens }, step)),
    [all, all, all, "", "", ""],
  )
})
