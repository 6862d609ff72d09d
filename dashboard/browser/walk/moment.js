// One side of the walk at the moment that is shown: which unit, which step, and the numbers there.
import { toSide, wordAt } from "../page/align.js"
import { number } from "../page/numbers.js"
import { quoted, readAt, unitName } from "../page/naming.js"
import { tr } from "../page/words.js"
import { Notation } from "./notation.js"
import { colorOf } from "./scale.js"

/** @import { Kind, Side, Tree } from "./types.d.ts" */
/** @import { Walk } from "./walk.js" */

/** @type {WeakMap<Side, number[]>} */
const sizes = new WeakMap()

// The values of all units at a place.
/** @param {Side} side @param {number} place @param {number} at @returns {Float32Array} */
function rowOf({ values, made }, place, at) {
  const array = values[place]
  return /** @type {Float32Array} */ (made?.(place, at) ?? (Array.isArray(array) ? array[at] : array))
}

// The largest size of a value, over all steps and units.
/** @param {Side} side @param {number} place */
export function largest(side, place) {
  const known = sizes.get(side) ?? []
  sizes.set(side, known)
  if (known[place] === undefined) {
    let most = 0
    for (let at = 0; at < side.tokens.length; at++)
      for (const value of rowOf(side, place, at)) most = Math.max(most, Math.abs(value))
    known[place] = most || 1
  }
  return known[place]
}

/** @type {(side: Side, step: number) => string} */
export const placeOf = (side, step) => readAt({ words: side.words, pieces: side.tokens }, step)

export class Moment {
  /** @param {Walk} walk @param {number} k */
  constructor(walk, k) {
    this.walk = walk
    this.k = k
    this.side = walk.sides[k]
    this.unit = walk.units[k]
    this.at = toSide(walk.sides, k, walk.at)
    this.stage = this.side.stages.find((stage) => stage.name === walk.names[walk.stage])
    this.hidden = this.unseen()
    this.style = new Notation(walk.notation, this.side)
  }

  // Whether an exercise has a question here that nobody has answered.
  get asks() {
    const { on, verdicts } = this.walk.exercise
    return on && !verdicts[this.k] && Boolean(this.stage?.signals.length)
  }

  // What is not to be seen yet: in an exercise, all that is still to be asked, at this stage or at those after it.
  unseen() {
    const { exercise, names, stage } = this.walk
    if (!exercise.on) return new Set()
    const next = stage + (this.asks ? 0 : 1)
    const later = this.side.stages.filter(({ name }) => names.indexOf(name) >= next)
    return new Set(later.flatMap((one) => one.signals))
  }

  // Whether a node's value is not to be seen yet; what is made of several is seen when all is.
  /** @param {string | null | undefined} signal @param {boolean} [old] */
  veils(signal, old = false) {
    return this.hidden.size > 0 && (signal ? this.hidden.has(signal) : !old)
  }

  // The memory after a step, which an exercise asks for from step to step.
  /** @param {number} step */
  knows(step) {
    const ahead = this.side.backward ? this.at - step : step - this.at
    return !this.walk.exercise.on || ahead < 0 || (ahead === 0 && !this.hidden.has(this.side.memory))
  }

  // ---- numbers

  /** @param {number | null | undefined} place @returns {number | undefined} */
  value(place, unit = this.unit, at = this.at) {
    if (place === null || place === undefined) return undefined
    const row = this.row(place, at)
    return row[Array.isArray(this.side.values[place]) ? Math.min(unit, row.length - 1) : unit]
  }

  /** @param {number} place */
  row(place, at = this.at) {
    return rowOf(this.side, place, at)
  }

  /** @param {string} name */
  signal(name, at = this.at) {
    return this.value(this.side.signals[name].value, this.unit, at) ?? NaN
  }

  // What is written as one number in a formula: a symbol or a matrix product; sums and products are written out.
  /** @param {Tree} tree */
  leaf(tree) {
    if (Array.isArray(tree.v))
      return tree.v.reduce((/** @type {number} */ sum, place) => sum + (this.value(place) ?? 0), 0)
    return tree.s || tree.o === "@" ? this.value(tree.v) : undefined
  }

  // The largest size of a value, over all steps and units.
  /** @param {number} place */
  largest(place) {
    return largest(this.side, place)
  }

  // ---- colours

  /** @param {"gate" | "signed"} kind @param {number} share */
  color(kind, share) {
    const { content, dark } = this.walk
    return content ? colorOf(content.scales[kind][dark ? "dark" : "light"], share) : ""
  }

  // Of a bar: up and down in the two colours of everything signed.
  /** @param {number} value */
  barColor(value) {
    return this.color("signed", value < 0 ? 0.15 : 0.85)
  }

  // Of a value whose largest size is ``most``: 0 to 1 for a gate, else -1 to 1.
  /** @param {Kind | undefined} kind @param {number} value @param {number} most */
  cellColor(kind, value, most) {
    return kind === "gate" ? this.color("gate", value) : this.color("signed", 0.5 + (0.5 * value) / most)
  }

  // ---- names

  unitName(unit = this.unit) {
    return unitName(this.side, unit)
  }

  // "step 7" is no word.
  word(at = this.at) {
    return this.side.embedded ? quoted(this.side.tokens[at]) : this.side.tokens[at]
  }

  // The same of the step that is shown, and of which word it is a piece.
  place() {
    return this.side.embedded ? placeOf(this.side, this.at) : this.word()
  }

  // What is read at the step.
  read() {
    const { side, at } = this
    if (!side.embedded) return tr("the input at {step}", { step: this.word() })
    const [, first, last] = wordAt(side, at)
    return first < last ? this.place() : tr("the word {word}", { word: this.word() })
  }

  // Unit ``j`` of what a matrix is applied to.
  /** @param {string} source @param {number} j */
  sourceName(source, j) {
    const unit = this.unitName(j)
    if (source === "x") {
      if (!this.side.layer) return tr("input, {unit}", { unit })
      return tr("{state} of the layer below, {unit}", { state: this.style.name(this.side.output), unit })
    }
    const values = { state: this.style.name(source.slice(2).replace("below_", "")), unit }
    return source.includes("below_")
      ? tr("{state} of the layer below, {unit}", values)
      : tr("old {state}, {unit}", values)
  }

  // What the drawing's colours say, in numbers.
  told() {
    const seen = Object.keys(this.side.signals).filter(
      (name) => !this.hidden.has(name) && !Number.isNaN(this.signal(name)),
    )
    return seen.map((name) => {
      const called = this.style.name(name).replace("-", "−")
      return tr("{name} = {value}", { name: called, value: number(this.signal(name)) })
    })
  }
}
