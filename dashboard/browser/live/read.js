// A text as the models of a page read it, one run a side.
import { tr } from "../page/words.js"
import { longest } from "./carried.js"
import { run } from "./run.js"

/** @import { Reading, Run, Token } from "./types.d.ts" */

// ``titles``: what the sides are called where it is said that one reads a part of the text.
/** @param {Reading[]} readings @param {string[]} titles @param {string} text
 * @returns {{ sides: { reading: Reading, run: Run, tokens: Token[] }[], notices: string[] }} */
export function read(readings, titles, text) {
  /** @type {string[]} */
  const notices = []
  const sides = readings.map((reading, k) => {
    const all = reading.read(text)
    const tokens = all.slice(0, longest(reading.model))
    if (all.length > tokens.length) {
      const values = { title: titles[k], count: tokens.length, found: all.length }
      notices.push(tr("{title}: the first {count} of {found} tokens are shown.", values))
    }
    const ids = tokens.map(({ id }) => id)
    reading.before = run(reading.model, reading.cell, reading.declared, ids, reading.before)
    return { reading, run: reading.before, tokens }
  })
  return { sides, notices }
}
