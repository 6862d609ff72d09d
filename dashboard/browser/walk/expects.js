// The last stages of the walk, behind the cell: what the network looks back at, and how its state becomes the next word.
import { make } from "../page/dom.js"
import { quoted } from "../page/naming.js"
import { number, percent } from "../page/numbers.js"
import { type } from "../page/origin.js"
import { tr } from "../page/words.js"
import { equation, letters, softmaxed } from "./formula.js"
import { Notation } from "./notation.js"
import { bar, largest, line, lines } from "./pushes.js"
import { joined, spoken } from "./text.js"

/** @import { Moment } from "./moment.js" */
/** @import { Expects, Looks, Side, Tree } from "./types.d.ts" */

const WORDS = 12 // rows of a list of words
const UNITS = 6 // and of units

/** @type {(value: number) => string} */
const times = (value) => (value < 10 ? value.toFixed(1) : Math.round(Math.min(value, 1e9)).toLocaleString("en"))

// A readout has no layers, and no attention has.
/** @type {(here: Moment) => Notation} */
const flat = ({ walk, side }) => new Notation(walk.notation, { ...side, layer: 0 })

/** @param {Moment} here @returns {HTMLElement[]} */
export function looks(here) {
  const { side, unit, at } = here
  const { equations, alpha, mean } = /** @type {Looks} */ (side.looks)
  const style = flat(here)
  const written = equations.map(({ name, tree }) => equation(name, tree, letters, style))
  /** @type {[number, number][]} */
  const all = Array.from(alpha[at].slice(0, at + 1), (value, step) => [step, value])
  const [shown, rest] = largest(all, WORDS)
  /** @type {(label: string, value: number) => HTMLElement} */
  const row = (label, value) => line(label, bar(here.color("gate", 0.45 + 0.55 * value), value), value)
  const rows = shown.sort((a, b) => a[0] - b[0]).map(([step, value]) => row(side.tokens[step], value))
  if (all.length > shown.length) rows.push(row(tr("all other words"), rest))
  const says = tr("The mean a, {unit}: {value}", { unit: here.unitName(unit), value: number(mean[at][unit], 2) })
  return [
    make("div", { class: "gw-equation" }, ...written),
    make("div", { class: "gw-pushes", test: "gw-looks" }, ...rows),
    make("p", { class: "gw-text", text: says }),
  ]
}

/** @param {Moment} here @returns {HTMLElement[]} */
export function expects(here) {
  const { walk, side, at, k } = here
  const told = /** @type {Expects} */ (typeof side.expects === "function" ? side.expects(at) : side.expects)
  const [first] = told.ids[at]
  const count = told.vocabulary.toLocaleString("en")
  const parts = [
    make("div", { class: "gw-equation" }, ...readout(here, told)),
    table(here, told),
    softmaxed(told.words[first], told.scores[at][0], told.total[at], percent(told.shares[at][0])),
    make("p", {
      class: "gw-text",
      text: tr("Below the line stands the sum over all {count} words of the vocabulary.", { count }),
    }),
  ]
  const places = spoken(told, at)
  if (places.length < 2) return parts
  const name = (/** @type {number} */ place) => told.words[told.ids[at][place]]
  const chosen = (/** @type {number} */ n) => places.find((place) => name(place) === walk.pairs[k]?.[n])
  const one = chosen(0) ?? 0
  const partner = places.find((place) => told.ids[at][place] === told.partners[told.ids[at][one]])
  const other = [chosen(1), partner, ...places].find((place) => place !== undefined && place !== one) ?? one
  return [...parts, against(here, told, places, one, other)]
}

// From the state to the scores and the shares.
/** @param {Moment} here @param {Expects} told */
function readout(here, told) {
  const style = flat(here)
  const letter = { s: `v.${told.output}` }
  const wide = told.read[here.at].length > told.directions * here.side.hidden
  const read = wide ? { o: "beside", a: [letter, { s: "v.a" }] } : letter
  /** @type {Tree} */
  const scores = { o: "+", a: [{ o: "@", a: [{ s: "p.V" }, read] }, { s: "p.b" }] }
  // In the slides s is the state, and o what comes out.
  if (style.kind === "slides") return [equation("o", { o: "softmax", a: [scores] }, letters, style)]
  return [equation("s", scores, letters, style), equation("p", { o: "softmax", a: [{ s: "v.s" }] }, letters, style)]
}

// The likeliest words; a click lets the text go on with one.
/** @param {Moment} here @param {Expects} told */
function table(here, told) {
  const { walk, side, at } = here
  const before = Array.from(walk.content?.text ?? "")
    .slice(0, told.ends[at])
    .join("")
  const rows = spoken(told, at).map((place) => {
    const [id, score, share] = [told.ids[at][place], told.scores[at][place], told.shares[at][place]]
    const text = told.words[id]
    const values = { word: quoted(text), before: quoted(side.tokens[at]) }
    const word = told.adds[id]
      ? make("button", {
          type: "button",
          class: "gw-button gw-take",
          text,
          dir: "auto",
          title: tr("Let the text go on with {word} after {before}", values),
          onclick: () => type(joined(before, told.adds[id])),
        })
      : make("span", { text, dir: "auto" })
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, word),
      make("td", { text: number(score, 2) }),
      make("td", { class: "gw-wide" }, bar(here.color("gate", 0.6), share)),
      make("td", { text: percent(share) }),
    )
  })
  const heads = [tr("next word"), tr("score"), "", tr("share")].map((text) => make("th", { scope: "col", text }))
  return make("table", { class: "gw-table", test: "gw-expects" }, make("tr", {}, ...heads), ...rows)
}

// One word's lead over another: the difference of their scores, unit by unit of what is read.
/** @param {Moment} here @param {Expects} told @param {number[]} places @param {number} one @param {number} other */
function against(here, told, places, one, other) {
  const { walk, at, k } = here
  const ids = told.ids[at]
  const word = (/** @type {number} */ place) => told.words[ids[place]]
  const [a, b] = [one, other].map((place) => told.weights[ids[place]])
  const lead = told.scores[at][one] - told.scores[at][other]
  /** @type {(value: number, j: number) => [string, number]} */
  const part = (value, j) => [
    tr("{name} = {value}", { name: readName(here, told, j), value: number(value, 2) }),
    (a[j] - b[j]) * value,
  ]
  const [shown] = largest(Array.from(told.read[at], part), UNITS)
  shown.push([tr("bias {name}", { name: "b" }), told.bias[ids[one]] - told.bias[ids[other]]])
  shown.push([tr("all other units"), lead - shown.reduce((sum, [, value]) => sum + value, 0)])
  /** @type {(n: number, here: number) => HTMLSelectElement} */
  const select = (n, chosen) => {
    const onchange = () => {
      walk.pairs[k] = n ? [word(one), node.value] : [node.value, word(other)]
      walk.render()
    }
    const attributes = { test: `gw-word-${k}-${n}`, "aria-label": n ? tr("The other word") : tr("The word"), onchange }
    const choices = places.map((place) => make("option", { value: word(place), text: word(place) }))
    const node = make("select", attributes, ...choices)
    node.value = word(chosen)
    return node
  }
  const values = { lead: number(lead, 2), word: quoted(word(one)), times: times(Math.exp(lead)) }
  const text = tr(
    "The lead is the difference of the two scores, {lead}: e to that power, {word} is {times} times as likely.",
    values,
  )
  return make(
    "div",
    { class: "gw-pushes", test: `gw-lead-${k}` },
    make("p", { class: "gw-meaning gw-pair" }, select(0, one), tr("against"), select(1, other)),
    make("p", { class: "gw-text", text }),
    ...lines(here, shown),
  )
}

// What the readout reads at place ``j``: a unit of the top layer, of one direction after the other, then of the mean.
/** @param {Moment} here @param {Expects} told @param {number} j */
function readName(here, { directions, layers, output }, j) {
  const { side } = here
  const unit = j % side.hidden
  const place = Math.floor(j / side.hidden)
  const numbered = tr("unit {unit}", { unit })
  if (place >= directions) return tr("{state}, {unit}", { state: "a", unit: numbered })
  const drawn = side.layer === layers - 1 && side.direction === place
  const state = directions > 1 ? `${output} ${place ? "←" : "→"}` : output
  return tr("{state}, {unit}", { state, unit: drawn ? here.unitName(unit) : numbered })
}

// What to say where the network has no such stage.
/** @param {Side} side @param {"looks" | "expects"} shows */
export function without(side, shows) {
  return shows === "looks"
    ? tr("The {cell} has no attention: it reads its state alone.", { cell: side.title })
    : side.silent
}
