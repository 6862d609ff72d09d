// How the formulas are written: in PyTorch's letters, in those of the essays on the LSTM, or in those of the slides on the RNN.
import { tr } from "../page/words.js"

export const notations = () => [["", tr("W x + U h, as in PyTorch")], ["essays", tr("W [h, x], as in the essays")], ["slides", tr("U x + W s, as in the slides")]]

const TILDE = "̃"

// What a notation makes of one side: how its signals, its weights and what it reads are called, and how a formula is put.
export class Notation {
  constructor(kind, side) {
    this.kind = kind
    this.side = side
    this.letters = {}
    const { memory, candidate, output } = side
    if (kind === "essays" && candidate) {
      const letter = memory === output ? memory : memory.toUpperCase()
      Object.assign(this.letters, { [memory]: letter, [candidate]: letter + TILDE })
    }
    if (kind === "slides") this.letters[output] = "s"
    this.upper = side.layer > 0
  }

  name(name) {
    return this.letters[name] ?? name
  }

  // The essays write the candidate's weights with the memory's letter; in the slides U reads the input and W the state.
  weight(name) {
    const [base, ...rest] = name.split("_")
    const index = rest.join("_")
    if (this.kind === "slides") return [{ W: "U", U: "W" }[base] ?? base, ...rest].join("_")
    if (this.kind === "essays" && index && index === this.side.candidate) return `${base}_${this.letters[this.side.memory] ?? index}`
    return name
  }

  // A layer without a function, in short.
  affine(label) {
    if (this.kind === "essays") return label.replace("Wx+Uh", "W[h,x]")
    if (this.kind !== "slides") return label
    return label.replace(/[WUh]/g, (letter) => ({ W: "U", U: "W" })[letter] ?? this.name(letter))
  }

  // In the essays one matrix reads all that is read for a signal: W_f x + U_f h is W_f [h, x].
  tree(tree) {
    if (this.kind !== "essays" || !tree.o) return tree
    if (tree.o !== "+") return { ...tree, a: tree.a.map((arg) => this.tree(arg)) }
    const terms = chain(tree)
    const index = (term) => (term.o === "@" && term.a[0].s?.startsWith("p.") ? term.a[0].s.slice(2).split("_").slice(1).join("_") : undefined)
    const joined = []
    for (const term of terms) {
      const alike = index(term) === undefined ? [] : terms.filter((other) => index(other) === index(term))
      if (alike.length < 2) joined.push(this.tree(term))
      else if (alike[0] === term) joined.push(beside(alike, index(term)))
    }
    return joined.reduce((sum, term) => ({ o: "+", a: [sum, term] }))
  }

  // The matrices that stand beside each other in a formula, with what they read.
  blocks(tree) {
    if (!tree.o) return []
    return [...(tree.blocks ? [tree] : []), ...tree.a.flatMap((arg) => this.blocks(arg))]
  }
}

const chain = (tree) => (tree.o === "+" ? tree.a.flatMap(chain) : [tree])

// State first, input last. Its value is the sum of the parts' values.
function beside(terms, index) {
  const sorted = [...terms].sort((a, b) => (a.a[1].s === "x") - (b.a[1].s === "x"))
  return { o: "@", a: [{ s: `p.W_${index}` }, { o: "beside", a: sorted.map((term) => term.a[1]) }], v: sorted.map((term) => term.v), blocks: sorted.map((term) => term.a[0].s.slice(2)) }
}

const PRECEDENCE = { "+": 1, "-": 1, "*": 2, "/": 2, "@": 2 }
const CALLED = { sigmoid: "σ", log_sigmoid: "logσ", maximum: "max", minimum: "min" }

// A formula as a line of a program, where the states of the step before are called prev_h and so on.
export function written(tree, notation, least = 0) {
  if (tree.n !== undefined) return String(tree.n)
  if (tree.s === "x") return "x"
  if (tree.s) {
    const [kind, name] = [tree.s[0], tree.s.slice(2)]
    if (kind === "p") return notation.weight(name)
    if (name.startsWith("below_")) return `below_${notation.name(name.slice(6))}`
    return kind === "s" ? `prev_${notation.name(name)}` : notation.name(name)
  }
  const args = (from) => tree.a.map((arg, k) => written(arg, notation, from + k))
  if (tree.o === "beside") return `[${args(0).join(", ")}]`
  if (tree.o === "divides") return `(${written(tree.a[1], notation, 3)} % ${written(tree.a[0], notation, 3)} == 0)`
  const mine = PRECEDENCE[tree.o]
  if (mine === undefined) return `${CALLED[tree.o] ?? tree.o}(${tree.a.map((arg) => written(arg, notation)).join(", ")})`
  const text = args(mine).join(` ${tree.o} `)
  return mine < least ? `(${text})` : text
}

// The cell as a program of a step: [line, the signal that it computes]. ``swapped``: the memory is given back first.
export function program(side, notation, swapped) {
  const states = Object.entries(side.signals).filter(([, { kind }]) => kind === "state").map(([name]) => name)
  const shown = [...states].sort((a, b) => (a === side.memory) - (b === side.memory))
  if (swapped) shown.reverse()
  const given = shown.map((name) => notation.name(name))
  const below = side.below.map((name) => `below_${notation.name(name)}`)
  const lines = Object.entries(side.equations).map(([name, { tree }]) => [`    ${notation.name(name)} = ${written(notation.tree(tree), notation)}`, name])
  const order = tr("the same order on both sides")
  const call = `${given.join(", ")} = cell(${["x", ...given, ...below].join(", ")})`
  return [
    [`def cell(${["x", ...given.map((name) => `prev_${name}`), ...below].join(", ")}):`],
    ...lines,
    [`    return ${given.join(", ")}`],
    [""],
    [given.length > 1 ? `${call}  # ${order}` : call],
  ]
}
