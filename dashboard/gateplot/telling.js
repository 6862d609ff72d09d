// What the figure shows, in words, from its numbers: the line above the grid and the text alternative.
import { stepCount, wordAt } from "./align.js"
import { called, expects, number, unitName } from "./readout.js"
import { list, tr } from "./words.js"

const SMALL = 0.1 // a memory that never gets farther from 0 holds nothing to speak of
const IDLE = 0.1 // a gate that moves less decides nothing
const MOST = 3 // places that are named

// What a unit does with its memory, as far as its lines bear it out; nothing where no gate keeps it. ``keep`` and
// ``memory``: {label, values}, one value a step.
export function unit(sides, k, chosen, keep, memory) {
  const side = sides[k]
  const count = stepCount(side)
  if (!keep || count < 2) return ""
  const name = tr("{title}’s {unit}", { title: called(sides, k), unit: unitName(side, chosen) })
  const between = ({ label, values }) => ({ name, label, low: number(Math.min(...values)), high: number(Math.max(...values)) })
  const stays = (values) => (values.low === values.high ? tr("{name}: {label} stays at {low}.", values) : tr("{name}: {label} stays between {low} and {high}.", values))
  const [shut, open] = [Math.min(...keep.values), Math.max(...keep.values)]
  const size = Math.max(...Array.from(memory.values, Math.abs))
  if (size < SMALL) return tr("{name} hardly moves: {label} stays between {low} and {high}.", between(memory))
  if (open - shut < IDLE && shut < 0.9) return stays(between(keep))
  // The steps as they are read, each with what was held before it.
  const steps = Array.from({ length: count }, (_, n) => (side.backward ? count - 1 - n : n))
  const read = steps.map((t, n) => ({ t, gate: keep.values[t], now: memory.values[t], old: n ? memory.values[steps[n - 1]] : 0 }))
  // It lets go where something was held, its gate shuts, and what was held is gone after it.
  const gone = read.filter(({ gate, now, old }) => Math.abs(old) > size / 4 && gate < Math.min(0.5, open - IDLE) && now * Math.sign(old) < Math.abs(old) / 2)
  if (gone.length) {
    const place = ({ t, gate }) => tr("“{word}” ({label} = {value})", { word: wordAt(side, t)[0], label: keep.label, value: number(gate) })
    return tr("{name} lets go at {places}.", { name, places: list(largest(gone).map(place)) })
  }
  // With an open gate a write of the other sign replaces it all the same.
  const turned = read.filter(({ now, old }) => Math.abs(old) > size / 4 && now * old < 0 && Math.abs(now - old) > size / 2)
  if (turned.length) {
    const place = ({ t, now, old }) => tr("“{word}” ({label} from {old} to {now})", { word: wordAt(side, t)[0], label: memory.label, old: number(old), now: number(now) })
    return tr("{name} is rewritten at {places}.", { name, places: list(largest(turned).map(place)) })
  }
  const first = read.findIndex(({ now }) => Math.abs(now) > size / 4)
  const [{ t, now }, ...after] = read.slice(first)
  const values = { name, word: wordAt(side, t)[0] }
  if (!after.length) return tr("{name} is written at “{word}”: {label} = {value}.", { ...values, label: memory.label, value: number(now) })
  const least = Math.min(...after.map(({ gate }) => gate))
  const held = after.every((one, n) => one.now * Math.sign(now) > Math.max(...[{ now }, ...after.slice(0, n)].map((past) => Math.abs(past.now))) / 2)
  if (held && least >= 0.5) return tr("{name} holds on after “{word}”: {label} never falls below {value}.", { ...values, label: keep.label, value: number(least) })
  return stays(between(keep))
}

// Those at which the memory changed most, in the order of the sentence.
function largest(read) {
  const change = ({ now, old }) => Math.abs(now - old)
  return [...read].sort((a, b) => change(b) - change(a)).slice(0, MOST).sort((a, b) => a.t - b.t)
}

// What each model expects after the word that it has read; models that read different words each name their own.
export function expectation(sides, steps) {
  const told = sides.map((side, k) => ({ word: wordAt(side, steps[k])[0], said: expects(sides, k, steps[k]) })).filter(({ said }) => said)
  const found = told.filter((one, k) => told.findIndex(({ word, said }) => word === one.word && said === one.said) === k) // a model beside itself
  if (found.every(({ word }) => word === found[0].word)) return found.length ? after(found[0].word, found.map(({ said }) => said).join(tr(", "))) : ""
  return found.map(({ word, said }) => after(word, said)).reduce((first, second) => together(first, second))
}

const after = (word, said) => tr("After “{word}”, {said}.", { word, said })

// Two sentences, either of which may be missing.
export const together = (first, second) => (first && second ? tr("{first} {second}", { first, second }) : first || second)
