// How the formulas are written: in PyTorch's letters, in those of the essays on the LSTM, or in those of the slides on the RNN.
import { tr } from "../page/words.js"

/** @import { Operation, Side, Tree } from "./types.d.ts" */
/** A matrix product that stands for several of the cell's. @typedef {Operation & { blocks: string[] }} Joined */
/** What of a side a notation depends on.
 * @typedef {Pick<Side, "memory" | "candidate" | "output" | "layer">} Styled */

/** @type {() => [string, string][]} */
export const notations = () => [
  ["", tr("W x + U h, as in PyTorch")],
  ["essays", tr("W [h, x], as in the essays")],
  ["slides", tr("U x + W s, as in the slides")],
]

/** @type {Record<string, string>} */
const SWAPPED = { W: "U", U: "W" }
const TILDE = "̃"

// What a notation makes of one side: how its signals, its weights and what it reads are called, and how a formula is put.
export class Notation {
  /** @param {string} kind @param {Styled} side */
  constructor(kind, side) {
    this.kind = kind
    this.side = side
    /** @type {Record<string, string>} */
    this.letters = {}
    const { memory, candidate, output } = side
    if (kind === "essays" && candidate) {
      const letter = memory === output ? memory : memory.toUpperCase()
      Object.assign(this.letters, { [memory]: letter, [candidate]: letter + TILDE })
    }
    if (kind === "slides") this.letters[output] = "s"
    this.upper = side.layer > 0
  }

  /** @param {string} name */
  name(name) {
    return this.letters[name] ?? name
  }

  // The essays write the candidate's weights with the memory's letter; in the slides U reads the input and W the state.
  /** @param {string} name */
  weight(name) {
    const [base, ...rest] = name.split("_")
    const index = rest.join("_")
    if (this.kind === "slides") return [SWAPPED[base] ?? base, ...rest].join("_")
    if (this.kind === "essays" && index && index === this.side.candidate)
      return `${base}_${this.letters[this.side.memory] ?? index}`
    return name
  }

  // A layer without a function, in short.
  /** @param {string} label */
  affine(label) {
    if (this.kind === "essays") return label.replace("Wx+Uh", "W[h,x]")
    if (this.kind !== "slides") return label
    return label.replace(/[WUh]/g, (letter) => SWAPPED[letter] ?? this.name(letter))
  }

  // In the essays one matrix reads all that is read for a signal: W_f x + U_f h is W_f [h, x].
  /** @param {Tree} tree @returns {Tree} */
  tree(tree) {
    if (this.kind !== "essays" || !tree.o || !tree.a) return tree
    if (tree.o !== "+") return { ...tree, a: tree.a.map((arg) => this.tree(arg)) }
    const terms = chain(tree)
    const joined = []
    for (const term of terms) {
      const index = indexOf(term)
      const alike = index === undefined ? [] : terms.filter((other) => indexOf(other) === index)
      if (index === undefined || alike.length < 2) joined.push(this.tree(term))
      else if (alike[0] === term) joined.push(beside(alike, index))
    }
    return joined.reduce((sum, term) => ({ o: "+", a: [sum, term] }))
  }

  // The matrices that stand beside each other in a formula, with what they read.
  /** @param {Tree} tree @returns {Joined[]} */
  blocks(tree) {
    const own = tree.blocks ? [/** @type {Joined} */ (tree)] : []
    return [...own, ...(tree.a ?? []).flatMap((arg) => this.blocks(arg))]
  }
}

/** @type {(tree: Tree) => Tree[]} */
const chain = (tree) => (tree.o === "+" && tree.a ? tree.a.flatMap(chain) : [tree])

// What the weight of a product is an index of: "f" of W_f x.
/** @type {(term: Tree) => string | undefined} */
function indexOf(term) {
  const weight = term.o === "@" ? term.a?.[0].s : undefined
  return weight?.startsWith("p.") ? weight.slice(2).split("_").slice(1).join("_") : undefined
}

// State first, input last. Its value is the sum of the parts' values.
/** @type {(terms: Tree[], index: string) => Tree} */
function beside(terms, index) {
  const products = terms.map(({ a, v }) => ({
    weight: a?.[0].s ?? "",
    read: a?.[1] ?? {},
    value: /** @type {number} */ (v),
  }))
  const sorted = products.sort((a, b) => Number(a.read.s === "x") - Number(b.read.s === "x"))
  return {
    o: "@",
    a: [{ s: `p.W_${index}` }, { o: "beside", a: sorted.map(({ read }) => read) }],
    v: sorted.map(({ value }) => value),
    blocks: sorted.map(({ weight }) => weight.slice(2)),
  }
}

/** @type {Record<string, number>} */
const PRECEDENCE = { "+": 1, "-": 1, "*": 2, "/": 2, "@": 2 }
/** @type {Record<string, string>} */
const CALLED = { sigmoid: "σ", log_sigmoid: "logσ", maximum: "max", minimum: "min" }

// A formula as a line of a program, where the states of the step before are called prev_h and so on.
/** @type {(tree: Tree, notation: Notation, least?: number) => string} */
export function written(tree, notation, least = 0) {
  if (tree.n !== undefined) return String(tree.n)
  if (tree.s) return variable(tree.s, notation)
  const { o, a } = /** @type {Operation} */ (tree)
  /** @type {(from: number) => string[]} */
  const args = (from) => a.map((arg, k) => written(arg, notation, from + k))
  if (o === "beside") return `[${args(0).join(", ")}]`
  if (o === "divides") return `(${written(a[1], notation, 3)} % ${written(a[0], notation, 3)} == 0)`
  const mine = PRECEDENCE[o]
  if (mine === undefined) return `${CALLED[o] ?? o}(${a.map((arg) => written(arg, notation)).join(", ")})`
  const text = args(mine).join(` ${o} `)
  return mine < least ? `(${text})` : text
}

/** @type {(key: string, notation: Notation) => string} */
function variable(key, notation) {
  if (key === "x") return "x"
  const [kind, name] = [key[0], key.slice(2)]
  if (kind === "p") return notation.weight(name)
  if (name.startsWith("below_")) return `below_${notation.name(name.slice(6))}`
  return kind === "s" ? `prev_${notation.name(name)}` : notation.name(name)
}

// The cell as a program of a step: [line, the signal that it computes]. ``swapped``: the memory is given back first.
/** @type {(side: Pick<Side, "signals" | "equations" | "memory" | "below">, notation: Notation, swapped: boolean) =>
 * [line: string, signal?: string][]} */
export function program(side, notation, swapped) {
  const states = Object.keys(side.signals).filter((name) => side.signals[name].kind === "state")
  const shown = [...states].sort((a, b) => Number(a === side.memory) - Number(b === side.memory))
  if (swapped) shown.reverse()
  const given = shown.map((name) => notation.name(name))
  const below = side.below.map((name) => `below_${notation.name(name)}`)
  /** @type {[string, string][]} */
  const lines = Object.entries(side.equations).map(([name, { tree }]) => [
    `    ${notation.name(name)} = ${written(notation.tree(tree), notation)}`,
    name,
  ])
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
