// A text as the models of a page read it, one run a side.
import { tr } from "../page/words.js"
import { longest, work } from "./carried.js"
import { common, run } from "./run.js"

/** @import { Reading, Run, Token } from "./types.d.ts" */
/** @typedef {{ title: string, count: number, found: number }} Cut */
/** @typedef {{ sides: { reading: Reading, run: Run, tokens: Token[] }[], notices: string[] }} Read */

const PIECE = 1e8 // products between two pauses: a tenth of a second or so

// ``titles``: what the sides are called where it is said that one reads a part of the text.
/** @param {Reading[]} readings @param {string[]} titles @param {string} text @returns {Read} */
export function read(readings, titles, text) {
  const each = pausing(readings, titles, text)
  for (;;) {
    const { done, value } = each.next()
    if (done) return value
  }
}

// The same, with pauses while a long text is read, in which a page can do what is asked of it; what was read stays when
// nobody goes on.
/** @param {Reading[]} readings @param {string[]} titles @param {string} text @returns {Generator<void, Read, void>} */
export function* pausing(readings, titles, text) {
  /** @type {Cut[]} */
  const cut = []
  const sides = []
  for (const [k, reading] of readings.entries()) {
    const all = reading.read(text)
    const tokens = all.slice(0, longest(reading.model))
    if (all.length > tokens.length) {
      cut.push({ title: titles[k], count: tokens.length, found: all.length })
    }
    const ids = tokens.map(({ id }) => id)
    const steps = Math.max(1, Math.floor(PIECE / work(reading.model)))
    const onward = reading.model.layers[0].length === 1 // one that reads from the end as well begins anew each time
    const known = reading.before ? common(reading.before.ids, ids) : 0
    for (let n = known + steps; onward && n < ids.length; n += steps) {
      reading.before = run(reading.model, reading.cell, reading.declared, ids.slice(0, n), reading.before)
      yield
    }
    reading.before = run(reading.model, reading.cell, reading.declared, ids, reading.before)
    sides.push({ reading, run: reading.before, tokens })
  }
  return { sides, notices: shortened(cut, readings.length) }
}

// That a part of the text is shown, which is said once where all ``count`` sides show as much of it.
/** @param {Cut[]} cut @param {number} sides */
export function shortened(cut, sides) {
  const alike = cut.every(({ count, found }) => count === cut[0].count && found === cut[0].found)
  if (cut.length > 1 && cut.length === sides && alike)
    return [tr("The first {count} of {found} tokens are shown.", cut[0])]
  return cut.map((one) => tr("{title}: the first {count} of {found} tokens are shown.", one))
}
