// Formulas as MathML, in letters or with one step's numbers, from the expression trees of dashboard/figures/walk.py.

const SPACE = "http://www.w3.org/1998/Math/MathML"
const PRECEDENCE = { "+": 1, "-": 1, "*": 2, "/": 2, "@": 3 }
export const FUNCTIONS = { sigmoid: "σ", log_sigmoid: "log σ", maximum: "max", minimum: "min" }

function element(tag, ...children) {
  const node = document.createElementNS(SPACE, tag)
  node.append(...children)
  return node
}

export const number = (value) => (Object.is(Math.round(value * 100), -0) ? "0.00" : value.toFixed(2)).replace("-", "−")

// A name such as b_hn or W_i_d: a letter and its indices.
export function lettered(name) {
  const [base, ...indices] = name.split("_")
  return [base, indices.join(",")]
}

function letter(name, time, layer) {
  const [base, index] = lettered(name)
  const below = [index, time].filter(Boolean).join(",")
  const [main, upper] = [accented(base), element("mi", layer ?? "")]
  if (!below) return layer ? element("msup", main, upper) : main
  const lower = element("mrow", element("mi", below))
  return layer ? element("msubsup", main, lower, upper) : element("msub", main, lower)
}

// A letter with a tilde is one with a line over it; in one word with it, it would stand upright.
function accented(base) {
  const [plain, tilde] = base.normalize("NFD")
  if (tilde !== "\u0303") return element("mi", base)
  const over = element("mover", element("mi", plain), bracket("~"))
  over.setAttribute("accent", "true")
  return over
}

// The notation in which all that follows is written (see notation.js); without one, letters stand as they are.
let notation = null

export function writeIn(next) {
  notation = next
}

export function symbol(key) {
  const called = (name) => notation?.name(name) ?? name
  const layer = notation?.upper ? "ℓ" : undefined // from the second layer on it is said which layer's it is
  if (key === "x") return layer ? letter(called(notation.side.output), "t", "ℓ−1") : letter("x", "t")
  if (key.startsWith("j.") || key.startsWith("k.")) return letter(key.slice(2), key.startsWith("j.") ? "t,k" : "k") // of step k
  const [kind, name] = [key.slice(0, 1), key.slice(2)]
  if (kind === "p") return letter(notation?.weight(name) ?? name)
  if (name.startsWith("below_")) return letter(called(name.slice(6)), "t", "ℓ−1")
  return letter(called(name), kind === "s" ? "t−1" : "t", layer)
}

const row = (...children) => element("mrow", ...children.flat())
const sign = (text) => element("mo", text)

// A bracket as high as a letter, also around or beside something higher.
function bracket(text) {
  const node = sign(text)
  node.setAttribute("stretchy", "false")
  return node
}

// The `value` of a formula in letters: there is none.
export const letters = () => undefined

// `value` gives the number that stands for a tree, or undefined where it is to be written out, as the root always is.
export function formula(tree, value, root = true) {
  const known = root ? undefined : value(tree)
  if (known !== undefined) {
    const node = element("mn", number(known))
    if (tree.s) node.dataset.key = tree.s
    return node
  }
  if (tree.n !== undefined) return element("mn", String(tree.n).replace("-", "−"))
  if (tree.s) return symbol(tree.s)
  if (tree.o === "/") return element("mfrac", formula(tree.a[0], value, false), formula(tree.a[1], value, false))
  if (tree.o === "divides") {
    const [period, count] = tree.a.map((arg) => formula(arg, value, false))
    return row(sign("["), count, element("mi", "mod"), period, sign("="), element("mn", "0"), sign("]"))
  }
  if (tree.o === "inner") return row(element("msup", formula(tree.a[0], value, false), sign("⊤")), formula(tree.a[1], value, false))
  if (tree.o === "beside") return row(bracket("["), tree.a.flatMap((arg, k) => [...(k ? [sign(",")] : []), formula(arg, value, false)]), bracket("]"))
  if (tree.o === "mix") return row(element("munder", sign("∑"), before()), ...tree.a.map((arg) => formula(arg, value, false)))
  if (tree.o === "softmax_past") return row(element("munder", element("mi", "softmax"), before()), bracket("("), formula(tree.a[0], value, false), bracket(")"))
  if (!(tree.o in PRECEDENCE)) {
    const inner = tree.a.flatMap((arg, k) => (k ? [sign(","), formula(arg, value, false)] : [formula(arg, value, false)]))
    return row(element("mi", FUNCTIONS[tree.o] ?? tree.o), bracket("("), inner, bracket(")"))
  }
  const [left, right] = tree.a
  const negative = value(right) !== undefined && number(value(right)).startsWith("−")
  if (tree.o === "+" && negative) return row(part(tree, left, 0, value), sign("−"), element("mn", number(-value(right))))
  const between = { "+": "+", "-": "−", "*": value === letters ? "⊙" : "·", "@": "" }[tree.o]
  if (tree.o === "-" && left.n === 0) return row(sign("−"), part(tree, right, 1, value))
  const shown = part(tree, right, 1, value)
  const guarded = negative ? row(bracket("("), shown, bracket(")")) : shown
  return row(part(tree, left, 0, value), between ? sign(between) : element("mspace"), guarded)
}

const before = () => row(element("mi", "k"), sign("≤"), element("mi", "t"))

function part(parent, tree, place, value) {
  const shown = formula(tree, value, false)
  if (value(tree) !== undefined || !(tree.o in PRECEDENCE) || tree.o === "/") return shown
  const [mine, its] = [PRECEDENCE[parent.o], PRECEDENCE[tree.o]]
  const brackets = its < mine || (its === mine && place === 1 && (parent.o === "-" || parent.o === "@"))
  return brackets ? row(bracket("("), shown, bracket(")")) : shown
}

export function equation(name, tree, value, result) {
  const parts = [symbol(name.includes(".") ? name : `v.${name}`), sign("="), formula(notation ? notation.tree(tree) : tree, value)]
  if (result !== undefined) parts.push(sign("="), element("mn", number(result)))
  return framed(parts)
}

// The share of a word: e to its score, over the sum of e to all scores, whose logarithm is ``total``.
export function softmaxed(word, score, total, share) {
  const power = (value) => element("msup", element("mi", "e"), element("mn", number(value)))
  const p = row(element("mi", "p"), bracket("("), element("mtext", word), bracket(")"))
  return framed([p, sign("="), element("mfrac", power(score), power(total)), sign("="), element("mn", share)])
}

function framed(parts) {
  const box = document.createElement("div")
  box.className = "gw-formula"
  box.append(element("math", row(parts)))
  return box
}
