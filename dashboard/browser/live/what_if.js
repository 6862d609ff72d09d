// What would have been: per side what a click forces, what is expected then instead, and the unit's memory in both runs.
import { CLOSE, DECIDED, placeAt } from "../gates/clauses.js"
import { toSide, wordAt } from "../page/align.js"
import { among } from "./endings.js"
import { make } from "../page/dom.js"
import { apart, quoted, unitName } from "../page/naming.js"
import { perCent, percent, share } from "../page/numbers.js"
import { list, tr } from "../page/words.js"
import { forced, KINDS, within } from "./force.js"
import { scores, shares } from "./run.js"
import { nextWord } from "./words.js"

/** @import { Reading, Run, Vector } from "./types.d.ts" */
/** @import { Force } from "./force.js" */

const WORDS = 5 // that are shown
const SAME = 1e-8 // as NumPy's allclose
const LONGEST = 300 // steps of a text that is read a second time
const [WIDE, TALL] = [420, 70] // of the lines' drawing, in its own measure

/** @typedef {{ reading: Reading, run: Run }} Side */

export class WhatIf {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root
    /** @type {{ kind: string, forces: Force[] }[]} by side: what was clicked, where there was a click */
    this.chosen = []
    this.again = () => {}
  }

  // ``units`` and ``at``: what the figure speaks of, and its cursor; ``shown``: what it is drawn from; ``steps``: of the walk.
  /** @param {Side[]} sides @param {any} shown @param {any} steps @param {number[]} units @param {number} at */
  show(sides, shown, steps, units, at) {
    this.again = () => this.show(sides, shown, steps, units, at)
    const long = sides.some(({ run }) => run.ids.length > LONGEST)
    if (long)
      return this.root.replaceChildren(
        make("p", { text: tr("What if is shown for up to {count} tokens.", { count: LONGEST }) }),
      )
    const focus = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.chip
    this.root.replaceChildren(
      ...sides.map((side, k) => {
        const step = toSide(shown.sides, k, at)
        return side.run.ids.length
          ? this.section(side, shown.sides[k], steps.sides[k].equations, k, units[k], step)
          : ""
      }),
    )
    if (focus) /** @type {HTMLElement | null} */ (this.root.querySelector(`[data-chip="${focus}"]`))?.focus()
  }

  /** @param {Side} side @param {any} shown @param {any} equations @param {number} k @param {number} unit @param {number} step */
  section({ reading, run }, shown, equations, k, unit, step) {
    const nothing = { kind: "", forces: [] }
    const all = Object.entries(KINDS).map(([kind, of]) => ({ kind, forces: of(reading, run, unit, step, shown) }))
    const offered = all.filter(({ kind, forces }) => kind !== "keep" || forces.length)
    const keeps = offered.find(({ kind }) => kind === "keep")
    const chosen = this.chosen[k] ?? keeps ?? nothing
    const forces = within(chosen.forces, run.ids.length)
    const after = forces.length ? forced(reading, run, forces, equations) : run
    const choose = (/** @type {typeof chosen} */ one) => () => {
      this.chosen[k] = one
      this.again()
    }
    const chips = offered.map((one) => {
      const on = one.kind === chosen.kind && chosen.forces.length > 0
      return chip(title(one.kind, reading), `${k} ${one.kind}`, on, choose(one), !one.forces.length)
    })
    const drawn = chosen.forces[0]?.units?.[0] ?? unit
    const nowhere = { changes: changes(chosen.forces), where: tr("at no step here") }
    const [before, now] = [run, after].map(({ read }) => shares(scores(reading.model, read[step])))
    const called = (/** @type {number} */ id) => {
      const one = before[id] >= now[id] ? run : after
      return nextWord(reading.vocabulary, id) + among(reading, one, step, [id])[0]
    }
    const word = placeAt(shown, step)
    const values = /** @type {[Vector[], Vector[]]} */ (
      [run, after].map(({ signals }) => signals[reading.memory][reading.layer][reading.direction])
    )
    return make(
      "section",
      { test: `gs-if-${k}`, "data-panel": `next${k}` },
      make("h2", { text: tr("{cell}: what comes after {word}", { cell: shown.title, word }) }),
      make(
        "div",
        { class: "gs-if-chips" },
        ...chips,
        chip(tr("Clear"), `${k} none`, false, choose(nothing), !chosen.forces.length),
      ),
      reading.keep !== null && !keeps
        ? make("p", {
            text: tr("On this input {unit} holds nothing that it lets go of.", { unit: unitName(shown, unit) }),
          })
        : "",
      chosen.forces.length && !forces.length ? make("p", { text: tr("{changes} {where}", nowhere) }) : "",
      make("p", { test: `gs-verdict-${k}`, class: "gs-if-verdict", "aria-live": "polite", text: verdict() }),
      ...likely(before, now).map((id) => bars(called(id), before[id], now[id])),
      lines(values, drawn, tr("{state} of unit {unit}", { state: reading.memory, unit: drawn })),
    )

    function verdict() {
      const [first, second] = [before, now].map((all) => all.indexOf(Math.max(...all)))
      const said = {
        cell: shown.title,
        heard: word,
        before: quoted(called(first)),
        after: quoted(called(second)),
        much: percent(before[first]),
        now: percent(now[second]),
        changes: summary(forces, shown, run.ids.length),
      }
      if (forces.length && step < forces[0].from && before.every((share, id) => Math.abs(share - now[id]) < SAME))
        return tr("With {changes}, nothing is different yet after {heard}: choose a later word.", said)
      const [sure, still] = [before, now].map(expected)
      if (!forces.length && !sure)
        return tr("Nothing is changed: after {heard} the {cell} is undecided, likeliest {before} ({much}).", said)
      if (!forces.length) return tr("Nothing is changed: after {heard} the {cell} expects {before} ({much}).", said)
      if (first === second && !still)
        return tr(
          "With {changes}, after {heard} the {cell} is undecided, likeliest {after} all the same ({now}; as it was {much}).",
          said,
        )
      if (!still)
        return tr(
          "With {changes}, after {heard} the {cell} is undecided, likeliest {after} ({now}); as it was, {before} ({much}).",
          said,
        )
      if (first === second)
        return tr(
          "With {changes}, after {heard} the {cell} expects {after} all the same ({now}; as it was {much}).",
          said,
        )
      return tr("With {changes}, after {heard} the {cell} expects {after} ({now}) instead of {before} ({much}).", said)
    }
  }
}

/** @type {(kind: string, reading: Reading) => string} */
function title(kind, { memory: state }) {
  if (kind === "keep") return tr("Keep what it lets go")
  if (kind === "turn") return tr("Change the sign of {state}", { state })
  return kind === "erase" ? tr("Erase {state} of the unit", { state }) : tr("Show nothing (h = 0)")
}

/** @param {string} text @param {string} name @param {boolean} on @param {() => void} onclick @param {boolean} empty */
function chip(text, name, on, onclick, empty) {
  return make("button", {
    ...{ type: "button", class: "gs-chip", "data-chip": name, "aria-pressed": String(on), text, onclick },
    disabled: empty ? "" : undefined,
  })
}

// "f = 1 and i = 0".
/** @type {(forces: Force[]) => string} */
const changes = (forces) =>
  list(
    forces.map(({ signal, value }) =>
      value === "flip" ? tr("{signal} turned round", { signal }) : `${signal} = ${value}`,
    ),
  )

// "f = 1 and i = 0 at “John”".
/** @param {Force[]} forces @param {any} shown @param {number} count */
function summary(forces, shown, count) {
  if (!forces.length) return ""
  const { from, to } = forces[0]
  const [first, last] = [from, to - 1].map((step) => apart(shown, step))
  const one = wordAt(shown, from) === wordAt(shown, to - 1) // or pieces of it
  const over = to - from === count ? tr("at every word") : tr("from {first} to {last}", { first, last })
  const where = one ? tr("at {word}", { word: first }) : over
  return tr("{changes} {where}", { changes: changes(forces), where })
}

// Whether the model can be said to expect a word, as the headline says it.
/** @type {(shares: Float64Array) => boolean} */
function expected(shares) {
  const [first, second = 0] = shares.toSorted().slice(-2).reverse()
  return first >= DECIDED && second < CLOSE * first
}

// Ids of the words that are likeliest in one of the runs; the likeliest of each is among them, however small it is.
/** @type {(before: Float64Array, now: Float64Array) => number[]} */
export function likely(before, now) {
  const most = Float64Array.from(before, (share, id) => Math.max(share, now[id]))
  const first = [before, now].map((all) => all.indexOf(Math.max(...all)))
  return Array.from(most.keys())
    .sort((a, b) => most[b] - most[a])
    .filter((id, place) => place < WORDS || first.includes(id))
}

/** @type {(word: string, before: number, now: number) => HTMLElement} */
function bars(word, before, now) {
  const bar = (/** @type {string} */ look, /** @type {number} */ share) =>
    make("span", { class: `gs-if-bar ${look}`, style: { width: `${100 * share}%` } })
  const track = make("span", {}, bar("", before), bar("gs-if-now", now))
  const said = perCent(`${share(before)} → ${share(now)}`)
  return make(
    "div",
    { class: "gs-bar" },
    make("span", { class: "gs-bar-word", dir: "auto", text: word }),
    track,
    make("span", { class: "gs-bar-value", text: said }),
  )
}

// The unit's memory in both runs, with a line at nothing.
/** @param {[Vector[], Vector[]]} values @param {number} unit @param {string} says */
function lines(values, unit, says) {
  const rows = values.map((steps) => steps.map((row) => row[unit]))
  const most = Math.max(1, ...rows.flat().map(Math.abs))
  const place = (/** @type {number} */ value, /** @type {number} */ t) =>
    `${((t + 0.5) * WIDE) / rows[0].length} ${(TALL * (1 - value / most)) / 2}`
  /** @type {(look: string, d: string) => SVGElement} */
  const path = (look, d) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", "path")
    node.setAttribute("class", look)
    node.setAttribute("d", d)
    return node
  }
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg")
  drawing.setAttribute("viewBox", `0 0 ${WIDE} ${TALL}`)
  drawing.setAttribute("aria-hidden", "true")
  drawing.append(path("gs-if-zero", `M0 ${TALL / 2}H${WIDE}`))
  rows.forEach((row, k) => drawing.append(path(k ? "gs-if-after" : "gs-if-before", `M${row.map(place).join("L")}`)))
  const caption = make(
    "figcaption",
    {},
    says,
    make("span", { class: "gs-if-key", text: tr("as it was") }),
    make("span", { class: "gs-if-key gs-if-now", text: tr("what if") }),
  )
  return make("figure", { class: "gs-if-lines" }, drawing, caption)
}
