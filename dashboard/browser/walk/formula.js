// Formulas as MathML, in letters or with one step's numbers, from the expression trees of dashboard/figures/walk.py.
import { minus, number } from "../page/numbers.js"

/** @import { Notation } from "./notation.js" */
/** @import { Operation, Tree } from "./types.d.ts" */
/** What stands for a tree as one number, if anything does. @typedef {(tree: Tree) => number | undefined} Value */

const SPACE = "http://www.w3.org/1998/Math/MathML"
/** @type {Record<string, number>} */
const PRECEDENCE = { "+": 1, "-": 1, "*": 2, "/": 2, "@": 3 }
/** @type {Record<string, string>} */
export const FUNCTIONS = { sigmoid: "σ", log_sigmoid: "log σ", maximum: "max", minimum: "min" }

/** @type {(tag: string, ...children: (Node | string)[]) => Element} */
function element(tag, ...children) {
  const node = document.createElementNS(SPACE, tag)
  node.append(...children)
  return node
}

/** @type {(...children: (Element | Element[])[]) => Element} */
const row = (...children) => element("mrow", ...children.flat())
/** @type {(text: string) => Element} */
const sign = (text) => element("mo", text)
/** @type {(value: number) => Element} */
const numeral = (value) => element("mn", number(value, 2))

// A bracket as high as a letter, also around or beside something higher.
/** @type {(text: string) => Element} */
function bracket(text) {
  const node = sign(text)
  node.setAttribute("stretchy", "false")
  return node
}

// ---- letters

// A name such as b_hn or W_i_d: a letter and its indices.
/** @type {(name: string) => [string, string]} */
export function lettered(name) {
  const [base, ...indices] = name.split("_")
  return [base, indices.join(",")]
}

/** @type {boolean | undefined} */
let flat

// Whether the font for mathematics sets an index on the line, as some do: there it reads as a factor.
function onTheLine() {
  if (flat === undefined && document.body) {
    const [base, index] = [element("mi", "x"), element("mi", "x")]
    const probe = element("math", element("msub", base, index))
    document.body.append(probe)
    const size = parseFloat(getComputedStyle(probe).fontSize)
    flat = index.getBoundingClientRect().bottom - base.getBoundingClientRect().bottom < 0.12 * size
    probe.remove()
  }
  return flat
}

/** @type {(name: string, time?: string, layer?: string) => Element} */
function letter(name, time, layer) {
  const [base, index] = lettered(name)
  const below = [index, time].filter(Boolean).join(",")
  const [main, upper] = [accented(base), element("mi", layer ?? "")]
  if (!below) return layer ? element("msup", main, upper) : main
  const lower = element("mrow", element("mi", below))
  if (onTheLine()) lower.setAttribute("class", "gw-lower")
  return layer ? element("msubsup", main, lower, upper) : element("msub", main, lower)
}

// A letter with a tilde is one with a line over it; in one word with it, it would stand upright.
/** @type {(base: string) => Element} */
function accented(base) {
  const [plain, tilde] = base.normalize("NFD")
  if (tilde !== "\u0303") return element("mi", base)
  const over = element("mover", element("mi", plain), bracket("~"))
  over.setAttribute("accent", "true")
  return over
}

/** @type {(key: string, style: Notation) => Element} */
function symbol(key, style) {
  const layer = style.upper ? "ℓ" : undefined // from the second layer on it is said which layer's it is
  if (key === "x") return layer ? letter(style.name(style.side.output), "t", "ℓ−1") : letter("x", "t")
  if (key.startsWith("j.") || key.startsWith("k.")) return letter(key.slice(2), key.startsWith("j.") ? "t,k" : "k") // of step k
  const [kind, name] = [key.slice(0, 1), key.slice(2)]
  if (kind === "p") return letter(style.weight(name))
  if (name.startsWith("below_")) return letter(style.name(name.slice(6)), "t", "ℓ−1")
  return letter(style.name(name), kind === "s" ? "t−1" : "t", layer)
}

// ---- formulas

// The `value` of a formula in letters: there is none.
export const letters = () => undefined

// `value` gives the number that stands for a tree; the root is always written out.
/** @type {(tree: Tree, value: Value, style: Notation, root?: boolean) => Element} */
export function formula(tree, value, style, root = true) {
  const known = root ? undefined : value(tree)
  if (known !== undefined) {
    const node = numeral(known)
    if (tree.s) node.setAttribute("data-key", tree.s)
    return node
  }
  if (tree.n !== undefined) return element("mn", minus(String(tree.n)))
  if (tree.s) return symbol(tree.s, style)
  return operation(/** @type {Operation} */ (tree), value, style)
}

/** @type {(tree: Operation, value: Value, style: Notation) => Element} */
function operation(tree, value, style) {
  const args = () => tree.a.map((arg) => formula(arg, value, style, false))
  const between = () => args().flatMap((arg, k) => (k ? [sign(","), arg] : [arg]))
  const special = SPECIAL[tree.o]
  if (special) return special(args())
  if (tree.o === "beside") return row(bracket("["), between(), bracket("]"))
  if (!(tree.o in PRECEDENCE)) {
    return row(element("mi", FUNCTIONS[tree.o] ?? tree.o), bracket("("), between(), bracket(")"))
  }
  return infix(tree, value, style)
}

const before = () => row(element("mi", "k"), sign("≤"), element("mi", "t"))

/** @type {Record<string, (args: Element[]) => Element>} */
const SPECIAL = {
  "/": ([above, below]) => element("mfrac", above, below),
  divides: ([period, count]) =>
    row(sign("["), count, element("mi", "mod"), period, sign("="), element("mn", "0"), sign("]")),
  inner: ([one, other]) => row(element("msup", one, sign("⊤")), other),
  mix: (args) => row(element("munder", sign("∑"), before()), args),
  softmax_past: ([arg]) => row(element("munder", element("mi", "softmax"), before()), bracket("("), arg, bracket(")")),
}

/** @type {(tree: Operation, value: Value, style: Notation) => Element} */
function infix(tree, value, style) {
  const [left, right] = tree.a
  const known = value(right)
  const negative = known !== undefined && number(known, 2).startsWith("−")
  if (tree.o === "+" && negative) return row(part(tree, left, 0, value, style), sign("−"), numeral(-known))
  if (tree.o === "-" && left.n === 0) return row(sign("−"), part(tree, right, 1, value, style))
  const shown = part(tree, right, 1, value, style)
  const guarded = negative ? row(bracket("("), shown, bracket(")")) : shown
  const between = { "+": "+", "-": "−", "*": value === letters ? "⊙" : "·" }[tree.o]
  return row(part(tree, left, 0, value, style), between ? sign(between) : element("mspace"), guarded)
}

// An argument, in brackets where it would be read otherwise.
/** @type {(parent: Operation, tree: Tree, place: number, value: Value, style: Notation) => Element} */
function part(parent, tree, place, value, style) {
  const shown = formula(tree, value, style, false)
  if (value(tree) !== undefined || !tree.o || !(tree.o in PRECEDENCE) || tree.o === "/") return shown
  const [mine, its] = [PRECEDENCE[parent.o], PRECEDENCE[tree.o]]
  const brackets = its < mine || (its === mine && place === 1 && (parent.o === "-" || parent.o === "@"))
  return brackets ? row(bracket("("), shown, bracket(")")) : shown
}

/** @type {(name: string, tree: Tree, value: Value, style: Notation, result?: number) => HTMLElement} */
export function equation(name, tree, value, style, result) {
  const parts = [
    symbol(name.includes(".") ? name : `v.${name}`, style),
    sign("="),
    formula(style.tree(tree), value, style),
  ]
  if (result !== undefined) parts.push(sign("="), numeral(result))
  return framed(parts)
}

// The share of a word: e to its score, over the sum of e to all scores, whose logarithm is ``total``.
/** @type {(word: string, score: number, total: number, share: string) => HTMLElement} */
export function softmaxed(word, score, total, share) {
  const power = (/** @type {number} */ value) => element("msup", element("mi", "e"), numeral(value))
  const p = row(element("mi", "p"), bracket("("), element("mtext", word), bracket(")"))
  return framed([p, sign("="), element("mfrac", power(score), power(total)), sign("="), element("mn", share)])
}

/** @type {(parts: Element[]) => HTMLElement} */
function framed(parts) {
  const box = document.createElement("div")
  box.className = "gw-formula"
  box.append(element("math", row(parts)))
  return box
}
