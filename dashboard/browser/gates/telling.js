// What the figure shows, in words, from its numbers: the line above the grid and the text alternative.
import { ofText, stepCount, wordAt } from "../page/align.js"
import { number } from "../page/numbers.js"
import { unitName } from "../page/naming.js"
import { list, tr } from "../page/words.js"
import { HALF, letGo } from "./letting_go.js"
import { DECIDED, called, elsewhere, expects, meant, ofWords, placeAt } from "./clauses.js"

/** @import { Signal, Speaks } from "./types.d.ts" */

/** A step as it was read: the gate's value, and the memory after it and before.
 * @typedef {{ t: number, gate: number, now: number, old: number }} Read */

const YOURS = "yours" // a visitor's own model (dashboard/state.py)
const SMALL = 0.25 // a memory without a name that never gets farther from 0 holds nothing to speak of
const IDLE = 0.1 // a gate that moves less decides nothing
const MOST = 3 // places that are named
const KEPT = 0.25 // what must be left of a memory that is held: what is written anew each time is not held
const WIDE = 0.3 // ... and one that moves by more does not stay

// A unit as its model's: “GRU’s unit 3”, “LSTM with peepholes’ unit 3”; of two models of one cell by the model: “your GRU’s
// unit 3”, “general-gru’s unit 3”.
/** @param {Speaks[]} sides @param {number} k @param {number} unit @param {boolean} [begins] a sentence */
function owned(sides, k, unit, begins = false) {
  const { title, model } = sides[k]
  const yours = () => (begins ? tr("Your {title}", { title }) : tr("your {title}", { title }))
  const whose = called(sides, k) === title ? title : model === YOURS ? yours() : model
  return tr("{title}’s {unit}", { title: whose, unit: unitName(sides[k], unit) }).replace("s’s ", "s’ ")
}

// What a unit has done with its memory by the step ``at``, as far as its lines bear it out, and what a named one holds there;
// nothing where no gate keeps it. ``keep`` and ``memory``: {label, values}, one value a step. What is read later is not told.
// ``scale``: of a cell with a normaliser, by whose share its memory is read.
/** @param {Speaks[]} sides @param {number} k @param {number} chosen @param {Signal | null | undefined} gate @param {Signal} state
 * @param {Signal | null} [scale] */
export function unit(sides, k, chosen, gate, state, at = Infinity, scale = null) {
  const side = sides[k]
  const count = stepCount(side)
  if (!gate || count < 2) return ""
  const order = Array.from({ length: count }, (_, n) => (side.backward ? count - 1 - n : n)) // as they are read
  const [keep, memory] = scale ? relative(gate, state, scale, order) : [gate, state]
  const read = order.slice(0, at === Infinity ? count : order.indexOf(at) + 1)
  const last = read[read.length - 1]
  const [name, word] = [owned(sides, k, chosen, true), placeAt(side, last)]
  const values = { name, word, label: memory.label, value: number(memory.values[last]) }
  if (!ofText(side, last)) return tr("{name}: {label} = {value} before the first word.", values)
  const steps = read.filter((t) => ofText(side, t))
  const start = order.indexOf(steps[0])
  const before = start ? memory.values[order[start - 1]] : 0
  const named = side.named.find((one) => one.unit === chosen)
  if (!named?.high) return story(name, side, steps, keep, memory, before)[0]
  const end = meant(named, last)
  if (end) {
    const [said, whole] = story(name, side, steps, keep, memory, before, end)
    return whole ? said : together(said, tr("At {word}, {label} = {value}: {end}.", { ...values, end }))
  }
  const leans = named.leans[last]
  if (!leans) return tr("{name} holds nothing at {word}.", values)
  if (last < named.from) return tr("{name} at {word}: {label} = {value}.", values)
  const towards = leans > 0 ? named.high : named.low
  return tr("{name} holds little at {word}: {label} = {value}, towards {end}.", { ...values, end: towards })
}

// What a step keeps of a memory that is read as a share of its scale, and that share: a word that weighs more than all
// before it outweighs them, with the gate open.
/** @param {Signal} gate @param {Signal} state @param {Signal} scale @param {number[]} order @returns {[Signal, Signal]} */
function relative(gate, state, scale, order) {
  const keep = new Float64Array(order.length)
  const share = new Float64Array(order.length)
  order.forEach((t, n) => {
    const now = scale.values[t]
    keep[t] = !n ? 1 : now > 0 ? (gate.values[t] * scale.values[order[n - 1]]) / now : 0 // at first there is nothing
    share[t] = now > 0 ? state.values[t] / now : 0
  })
  return [
    { label: tr("share kept"), values: keep },
    { label: `${state.label} / ${scale.label}`, values: share },
  ]
}

// ``before``: what the memory was before the first word. ``end``: what it means at the last one, where it has a name; that
// is told as well, so where else its gate shuts is not. With it whether the sentence itself says what it means.
/** @param {string} name @param {Speaks} side @param {number[]} steps @param {Signal} gate @param {Signal} memory
 * @param {number} before @param {string} [end] @returns {[said: string, whole: boolean]} */
function story(name, side, steps, gate, memory, before, end = "") {
  const pick = (/** @type {ArrayLike<number>} */ all) => steps.map((t) => all[t])
  const keep = { label: gate.label, values: pick(gate.values) }
  const held = pick(memory.values)
  /** @type {(line: { label: string, values: number[] }) => Record<"name" | "label" | "low" | "high", string>} */
  const between = ({ label, values }) => ({
    name,
    label,
    low: number(Math.min(...values)),
    high: number(Math.max(...values)),
  })
  const [shut, open] = [Math.min(...keep.values), Math.max(...keep.values)]
  /** @type {(values: ReturnType<typeof between>) => [string, boolean]} */
  const stays = (values) => {
    if (values.low === values.high) return [tr("{name}: {label} stays at {low}.", values), false]
    return open - shut > WIDE
      ? [tr("{name}: {label} moves between {low} and {high}.", values), false]
      : [tr("{name}: {label} stays between {low} and {high}.", values), false]
  }
  const size = Math.max(...held.map(Math.abs))
  if (size < SMALL && !end) {
    const values = between({ label: memory.label, values: held })
    return values.low === values.high
      ? [tr("{name} holds nothing: {label} = {low}.", values), false]
      : [tr("{name} holds nothing: {label} stays between {low} and {high}.", values), false]
  }
  if (steps.length > 1 && open - shut < IDLE && shut < 0.9) return stays(between(keep))
  // The steps as they are read, each with what was held before it.
  /** @type {Read[]} */
  const read = steps.map((t, n) => ({ t, gate: keep.values[n], now: held[n], old: n ? held[n - 1] : 0 }))
  // Of where it lets go what can be seen: a gate that is below the limit as it is written, and moves.
  const goes = letGo(read.map(({ gate, now, old }) => ({ keep: gate, now, old })))
  const gone = read.filter(({ gate }, n) => goes[n] && gate < Math.min(HALF - 0.005, open - IDLE))
  if (gone.length) {
    const place = (/** @type {Read} */ { t, gate }) =>
      tr("{word} ({label} = {value})", { word: elsewhere(side, t), label: keep.label, value: number(gate) })
    const words = (/** @type {Read[]} */ all) => new Set(all.map(({ t }) => wordAt(side, t)))
    const below = read.filter(({ gate }) => gate < HALF)
    const [shutAt, total] = [words(below).size, words(read).size]
    if (!end && gone.length > MOST && shutAt > total / 2) {
      const released = words(read.filter((_, n) => goes[n])).size
      const values = { name, label: keep.label, limit: number(HALF), count: shutAt, total, gone: released }
      const little = ofWords(side)
        ? tr(
            "{name} keeps little: {label} is below {limit} at {count} of {total} words, and it lets go at {gone} of them.",
            values,
          )
        : tr(
            "{name} keeps little: {label} is below {limit} at {count} of {total} steps, and it lets go at {gone} of them.",
            values,
          )
      return [little, false]
    }
    const named = largest(gone, ({ t }) => wordAt(side, t))
    const told = words(named)
    const more = below.filter(({ t }) => !told.has(wordAt(side, t)))
    const values = { name, places: list(named.map(place)), label: keep.label, limit: number(HALF) }
    const others = words(more).size
    if (end || !others) return [tr("{name} lets go at {places}.", values), false]
    if (others > 1) {
      const counted = { ...values, count: others }
      const said = ofWords(side)
        ? tr(
            "{name} lets go at {places}; {label} is below {limit} at {count} more words, whether it held anything or not.",
            counted,
          )
        : tr(
            "{name} lets go at {places}; {label} is below {limit} at {count} more steps, whether it held anything or not.",
            counted,
          )
      return [said, false]
    }
    // The only other word is named, at the piece where the gate is most shut: which one is hard to see among its pieces.
    const { t } = more.reduce((least, one) => (one.gate < least.gate ? one : least))
    const only = { ...values, word: elsewhere(side, t) }
    return [
      tr("{name} lets go at {places}; {label} is below {limit} at {word}, too, whether it held anything or not.", only),
      false,
    ]
  }
  // With an open gate a write of the other sign replaces it all the same.
  const turned = read.filter(
    ({ now, old }) =>
      Math.min(Math.abs(old), Math.abs(now)) > size / 4 && now * old < 0 && Math.abs(now - old) > size / 2,
  )
  if (turned.length) {
    const place = (/** @type {Read} */ { t, now, old }) =>
      tr("{word} ({label} from {old} to {now})", {
        word: elsewhere(side, t),
        label: memory.label,
        old: number(old),
        now: number(now),
      })
    const places = list(largest(turned, ({ t }) => wordAt(side, t)).map(place))
    return [tr("{name} is rewritten at {places}.", { name, places }), false]
  }
  const first = read.findIndex(({ now }) => Math.abs(now) > size / 4)
  const [{ t, now, gate: kept }, ...after] = read.slice(first)
  const values = { name, word: elsewhere(side, t) }
  const carried = !first && Math.abs(now - kept * before) <= size / 4 // what the text has not written itself
  if (!after.length) {
    const value = end ? tr("{value}, {end}", { value: number(now), end }) : number(now)
    const said = { ...values, label: memory.label, value }
    return carried
      ? [tr("{name} at {word}: {label} = {value}.", said), true]
      : [tr("{name} is written at {word}: {label} = {value}.", said), true]
  }
  const least = Math.min(...after.map(({ gate }) => gate))
  const holds = after.every(
    (one, n) =>
      one.now * Math.sign(now) > Math.max(...[{ now }, ...after.slice(0, n)].map((past) => Math.abs(past.now))) / 2,
  )
  const share = after.reduce((product, { gate }) => product * gate, 1)
  if (!holds || carried || least < 0.5 || share < KEPT) return stays(between(keep))
  const value = number(Math.floor(100 * least + 1e-6) / 100) // rounded up it would fall below
  return [
    tr("{name} holds on after {word}: {label} never falls below {value}.", { ...values, label: keep.label, value }),
    false,
  ]
}

// Those at which the memory changed most, one a word, in the order of the sentence.
/** @param {Read[]} read @param {(one: Read) => unknown} wordOf */
function largest(read, wordOf) {
  const change = (/** @type {Read} */ { now, old }) => Math.abs(now - old)
  const sorted = [...read].sort((a, b) => change(b) - change(a))
  const words = sorted.map(wordOf)
  return sorted
    .filter((_, k) => words.indexOf(words[k]) === k)
    .slice(0, MOST)
    .sort((a, b) => a.t - b.t)
}

// What each model expects after the word that it has read; models that read different words each name their own.
/** @param {Speaks[]} sides @param {number[]} steps */
export function expectation(sides, steps) {
  const told = sides
    .map((side, k) => ({ word: placeAt(side, steps[k]), said: expects(sides, k, steps[k]) }))
    .filter(({ said }) => said)
  const found = told.filter(
    (one, k) => told.findIndex(({ word, said }) => word === one.word && said === one.said) === k,
  ) // a model beside itself
  if (found.every(({ word }) => word === found[0].word))
    return found.length ? after(found[0].word, found.map(({ said }) => said).join(tr(", "))) : ""
  return found.map(({ word, said }) => after(word, said)).reduce((first, second) => together(first, second))
}

// In a tour, whose line says what happened: the values at the cursor's word, and the next word where one is expected.
/** @param {Speaks[]} sides @param {number[]} steps @param {number[]} units @param {(k: number) => Value[]} values */
export function atWord(sides, steps, units, values) {
  const told = valuesAt(sides, steps, units, values)
  const word = placeAt(sides[0], steps[0])
  const sure = sides.some((side, k) => side.next.p[steps[k]]?.[0] >= DECIDED)
  return together(told ? tr("At {word}, {told}.", { word, told }) : "", sure ? expectation(sides, steps) : "")
}

/** A signal's value at the cursor. @typedef {{ label: string, value: number, memory: boolean }} Value */

// The values of each side's unit; ``values(k)``: those that are told.
/** @param {Speaks[]} sides @param {number[]} steps @param {number[]} units @param {(k: number) => Value[]} values */
export function valuesAt(sides, steps, units, values) {
  const told = sides
    .map((side, k) => {
      const named = side.named.find((one) => one.unit === units[k] && one.high)
      const said = values(k).map(({ label, value, memory }) => {
        const end = memory && named ? meant(named, steps[k]) : ""
        return end
          ? tr("{label} = {value} ({end})", { label, value: number(value), end })
          : tr("{label} = {value}", { label, value: number(value) })
      })
      return said.length ? tr("{name}: {values}", { name: owned(sides, k, units[k]), values: said.join(tr(", ")) }) : ""
    })
    .filter(Boolean)
  return told.join(tr("; "))
}

/** @type {(word: string, said: string) => string} */
const after = (word, said) => tr("After {word}, {said}.", { word, said })

// Two sentences, either of which may be missing.
/** @type {(first: string, second: string) => string} */
export const together = (first, second) =>
  first && second ? tr("{first} {second}", { first, second }) : first || second
