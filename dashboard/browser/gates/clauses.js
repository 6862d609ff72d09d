// What a side is called, what its named units stand for and what it expects: clauses of what is said of it.
import { wordAt } from "../page/align.js"
import { apart, brief, quoted, readAt } from "../page/naming.js"
import { percent } from "../page/numbers.js"
import { tr } from "../page/words.js"

/** @import { Named } from "../types.d.ts" */
/** @import { Speaks } from "./types.d.ts" */

// What a side is called: its cell, and its model where both have the same cell.
/** @param {Speaks[]} sides @param {number} k */
export function called(sides, k) {
  const { title, model } = sides[k]
  const alike = sides.some((other, n) => n !== k && other.title === title && other.model !== model)
  return alike ? tr("{title} ({model})", { title, model }) : title
}

// What has been read at a step: the word, or the piece of it while it has not been read to its end; the step's number where
// numbers are read. ``word``: what the word is called.
/** @param {Speaks} side @param {number} step */
export function placeAt(side, step, word = quoted(wordAt(side, step)[0])) {
  if (!ofWords(side)) return tr("step {step}", { step: step + 1 })
  return ends(side, step) ? word : readAt(side, step, word)
}

// Whether a side reads a text, and not numbers.
/** @param {Speaks} side */
export const ofWords = ({ ends }) => ends.length > 0

// The same of a step that is not the cursor's: which of several equal words it is, is said.
/** @type {(side: Speaks, step: number) => string} */
export const elsewhere = (side, step) => placeAt(side, step, apart(side, step))

// The same as ``placeAt`` where it stands alone.
/** @type {(side: Speaks, step: number) => string} */
export const alone = (side, step) => (ends(side, step) ? brief(wordAt(side, step)[0]) : readAt(side, step))

// Whether a word has been read to its end.
/** @type {(side: Speaks, step: number) => boolean} */
function ends(side, step) {
  const [, first, last] = wordAt(side, step)
  return step === (side.backward ? first : last)
}

export const DECIDED = 0.245 // how likely a word is that a model can be said to expect: what is written as 25 %
export const CLOSE = 3 / 7 // ... and the next word beside it that it cannot: .3 to .7 of the two is undecided

// What a named unit stands for at a step: the word of the end of its axis; nothing where it holds nothing.
/** @type {(named: Named, step: number) => string} */
export const meant = ({ side, high, low }, step) => (side[step] > 0 ? high : side[step] < 0 ? low : "")

// The likeliest next word after a step, as a clause; nothing where nothing is predicted.
/** @param {Speaks[]} sides @param {number} k @param {number} step */
export function expects(sides, k, step) {
  const { ids, p, words, unknown } = sides[k].next
  const id = ids[step]?.[0]
  if (id === undefined) return ""
  const values = { title: called(sides, k), word: words[id], p: percent(p[step][0]) }
  if (p[step][0] < DECIDED && id === unknown)
    return tr("{title} is undecided, likeliest a word it does not know ({p})", values)
  if (p[step][0] < DECIDED) return tr("{title} is undecided, likeliest “{word}” ({p})", values)
  const second = p[step][1]
  const other = words[ids[step][1]]
  if (other !== undefined && second >= CLOSE * p[step][0] && id !== unknown && ids[step][1] !== unknown)
    return tr("{title} is undecided between “{word}” ({p}) and “{other}” ({q})", {
      ...values,
      other,
      q: percent(second),
    })
  return id === unknown
    ? tr("{title} expects a word it does not know ({p})", values)
    : tr("{title} expects “{word}” ({p})", values)
}
