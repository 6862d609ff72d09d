// The last stages of the walk, behind the cell: what the network looks back at, and how its state becomes the next word.
import { make } from "../page/dom.js"
import { equation, letters, number, softmaxed, writeIn } from "./formula.js"
import { Notation } from "./notation.js"
import { type } from "../page/origin.js"
import { percent } from "../gates/readout.js"
import { colorOf } from "./scale.js"
import { tr } from "../page/words.js"

const MOST = 8 // rows of a list that is drawn with its largest values
const CJK = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}，。；：！？、（）《》「」]/u
const times = (value) => (value < 10 ? value.toFixed(1) : Math.round(Math.min(value, 1e9)).toLocaleString("en"))
const quoted = (text) => `“${text}”`

// A text that goes on with a word: with a space between where there is one in writing. "##ing" goes on a word.
export function joined(text, add) {
  if (add.startsWith("##")) return text + add.slice(2)
  const last = Array.from(text).at(-1) ?? " "
  const closes = /^[.,;:!?)\]}]/u.test(add) && /[\p{L}\p{N}]/u.test(last)
  return text + (/\s/u.test(last) || closes || CJK.test(last) || CJK.test(add) ? "" : " ") + add
}

// A list of parts that add up to something: the largest in size, largest first, and what all others make.
export function largest(parts, count = MOST) {
  const sorted = [...parts].sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]))
  return [sorted.slice(0, count), sorted.slice(count).reduce((sum, [, value]) => sum + value, 0)]
}

// Which words are spoken of at a step, as places in a row of scores: the likeliest, and those that are held against each other.
export function spoken({ ids, likeliest }, at) {
  const row = Array.from(ids[at])
  return row.map((_, place) => place).filter((place) => place < likeliest || !row.slice(0, likeliest).includes(row[place]))
}

function bar(color, share, signed) {
  const left = signed ? 50 + Math.min(0, 50 * share) : 0
  const style = { left: `${left}%`, width: `${(signed ? 50 : 100) * Math.abs(share)}%`, background: color }
  return make("span", { class: `gw-track${signed ? " gw-middle" : ""}` }, make("span", { class: "gw-bar-fill", style }))
}

export function looks(walk, side, unit, at) {
  const { equations, alpha, mean } = side.looks
  const mode = walk.dark ? "dark" : "light"
  writeIn(new Notation(walk.notation, { ...side, layer: 0 }))
  const lines = make("div", { class: "gw-equation" }, ...equations.map(({ name, tree }) => equation(name, tree, letters)))
  const all = Array.from(alpha[at].slice(0, at + 1), (value, k) => [k, value])
  const [shown, rest] = largest(all, MOST + 4)
  const row = (label, value) => make("div", { class: "gw-push" }, make("span", { text: label, title: label, dir: "auto" }),
    bar(colorOf(walk.scales.gate[mode], 0.45 + 0.55 * value), value), make("span", { class: "gw-number", text: number(value) }))
  const rows = shown.sort((a, b) => a[0] - b[0]).map(([k, value]) => row(side.tokens[k], value))
  if (all.length > shown.length) rows.push(row(tr("all other words"), rest))
  return [lines, make("div", { class: "gw-pushes", test: "gw-looks" }, ...rows),
    make("p", { class: "gw-text", text: tr("The mean a, {unit}: {value}", { unit: walk.unitName(side, unit), value: number(mean[at][unit]) }) })]
}

export function expects(walk, side, unit, at, k) {
  const told = side.expects
  const letter = { s: `v.${told.output}` }
  const read = told.read[0].length > told.directions * side.hidden ? { o: "beside", a: [letter, { s: "v.a" }] } : letter
  const scores = { o: "+", a: [{ o: "@", a: [{ s: "p.V" }, read] }, { s: "p.b" }] }
  const slides = walk.notation === "slides" // there s is the state, and o what comes out
  writeIn(new Notation(walk.notation, { ...side, layer: 0 })) // a readout has no layers
  const lines = make("div", { class: "gw-equation" }, ...(slides ? [equation("o", { o: "softmax", a: [scores] }, letters)]
    : [equation("s", scores, letters), equation("p", { o: "softmax", a: [{ s: "v.s" }] }, letters)]))
  const [first] = told.ids[at]
  const name = (place) => told.words[told.ids[at][place]]
  const parts = [lines, table(walk, side, at), softmaxed(told.words[first], told.scores[at][0], told.total[at], percent(told.shares[at][0])),
    make("p", { class: "gw-text", text: tr("Below the line stands the sum over all {count} words of the vocabulary.", { count: told.vocabulary.toLocaleString("en") }) })]
  const places = spoken(told, at)
  if (places.length < 2) return parts
  walk.pairs ??= []
  const chosen = (n) => places.find((place) => name(place) === walk.pairs[k]?.[n])
  const one = chosen(0) ?? 0
  const partner = places.find((place) => told.ids[at][place] === told.partners[told.ids[at][one]])
  const other = [chosen(1), partner, ...places].find((place) => place !== undefined && place !== one)
  return [...parts, against(walk, side, at, k, places, one, other)]
}

// The likeliest words; a click lets the text go on with one.
function table(walk, side, at) {
  const told = side.expects
  const mode = walk.dark ? "dark" : "light"
  const before = Array.from(walk.written).slice(0, told.ends[at]).join("")
  const rows = spoken(told, at).map((place) => {
    const [id, score, share] = [told.ids[at][place], told.scores[at][place], told.shares[at][place]]
    const text = told.words[id]
    const word = told.adds[id] ? make("button", { type: "button", class: "gw-button gw-take", text, dir: "auto",
      title: tr("Let the text go on with {word} after {before}", { word: quoted(text), before: quoted(side.tokens[at]) }),
      onclick: () => type(joined(before, told.adds[id])) }) : make("span", { text, dir: "auto" })
    return make("tr", {}, make("th", { scope: "row" }, word), make("td", { text: number(score) }),
      make("td", { class: "gw-wide" }, bar(colorOf(walk.scales.gate[mode], 0.6), share)), make("td", { text: percent(share) }))
  })
  const heads = [tr("next word"), tr("score"), "", tr("share")].map((text) => make("th", { scope: "col", text }))
  return make("table", { class: "gw-table", test: "gw-expects" }, make("tr", {}, ...heads), ...rows)
}

// One word's lead over another: the difference of their scores, unit by unit of what is read.
function against(walk, side, at, k, places, one, other) {
  const told = side.expects
  const mode = walk.dark ? "dark" : "light"
  const word = (place) => told.words[told.ids[at][place]]
  const [a, b] = [one, other].map((place) => told.weights[told.ids[at][place]])
  const lead = told.scores[at][one] - told.scores[at][other]
  const [shown] = largest(Array.from(told.read[at], (value, j) => [tr("{name} = {value}", { name: unitOf(walk, side, j), value: number(value) }), (a[j] - b[j]) * value]), 6)
  shown.push([tr("bias {name}", { name: "b" }), told.bias[told.ids[at][one]] - told.bias[told.ids[at][other]]])
  shown.push([tr("all other units"), lead - shown.reduce((sum, [, value]) => sum + value, 0)])
  const most = Math.max(...shown.map(([, value]) => Math.abs(value)), 1e-9)
  const select = (n, here) => {
    const choices = places.map((place) => make("option", { value: word(place), text: word(place) }))
    const node = make("select", { test: `gw-word-${k}-${n}`, "aria-label": n ? tr("The other word") : tr("The word"), onchange: () => {
      walk.pairs[k] = n ? [word(one), node.value] : [node.value, word(other)]
      walk.render()
    } }, ...choices)
    node.value = word(here)
    return node
  }
  const title = make("p", { class: "gw-meaning gw-pair" }, select(0, one), tr("against"), select(1, other))
  const said = tr("The lead is the difference of the two scores, {lead}: e to that power, {word} is {times} times as likely.", { lead: number(lead), word: quoted(word(one)), times: times(Math.exp(lead)) })
  return make("div", { class: "gw-pushes", test: `gw-lead-${k}` }, title, make("p", { class: "gw-text", text: said }),
    ...shown.map(([label, value]) => make("div", { class: "gw-push" }, make("span", { text: label, title: label, dir: "auto" }),
      bar(colorOf(walk.scales.signed[mode], value < 0 ? 0.15 : 0.85), value / most, true), make("span", { class: "gw-number", text: number(value) }))))
}

// What the readout reads at place ``j``: a unit of the top layer, of one direction after the other, then of the mean.
function unitOf(walk, side, j) {
  const { directions, layers, output } = side.expects
  const unit = j % side.hidden
  const place = Math.floor(j / side.hidden)
  if (place >= directions) return tr("{state}, {unit}", { state: "a", unit: tr("unit {unit}", { unit }) })
  const here = side.layer === layers - 1 && side.direction === place
  const named = here ? walk.unitName(side, unit) : tr("unit {unit}", { unit })
  const state = directions > 1 ? `${output} ${place ? "←" : "→"}` : output
  return tr("{state}, {unit}", { state, unit: named })
}

// What to say where the network has no such stage.
export function without(side, shows) {
  return shows === "looks" ? tr("The {cell} has no attention: it reads its state alone.", { cell: side.title }) : tr("This model has no output layer, so it expects no words.")
}
