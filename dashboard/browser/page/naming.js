// What things are called wherever they are spoken of.
import { wordAt } from "./align.js"
import { quotes, tr } from "./words.js"

/** @import { Named, Word } from "../types.d.ts" */

const SPACE = "␣" // what stands before a word

/** @type {(text: string) => string} */
export const quoted = (text) => (quotes(text) ? `‘${text}’` : `“${text}”`)

/** @type {(side: { named: Named[] }, unit: number) => string} */
export function unitName(side, unit) {
  const named = side.named.find((one) => one.unit === unit)
  return named ? tr("{name} (unit {unit})", { name: named.name, unit }) : tr("unit {unit}", { unit })
}

// The word that a step reads, or the piece of it: “-ard” of “wizard”.
/** @param {{ words: Word[], pieces?: Record<number, string> }} side @param {number} step */
export function readAt(side, step) {
  const [text, first, last] = wordAt(side, step)
  if (first === last) return quoted(text)
  const piece = side.pieces?.[step] ?? ""
  const bare = piece.replace(/^-|-$/g, "")
  if (piece === SPACE) return quoted(piece)
  if (bare && text.toLowerCase().includes(bare.toLowerCase()))
    return tr("{piece} of {word}", { piece: quoted(piece), word: quoted(text) })
  const values = { at: step - first + 1, count: last - first + 1, word: quoted(text) } // bytes, and what is not known
  return tr("piece {at} of {count} of {word}", values)
}

const END = "↵" // of a line or of a text; some models read it before every text

// What is said of a word where the pointer rests on it.
/** @type {(text: string, known: number) => string} */
export function wordTitle(text, known) {
  if (text === END) return tr("↵: the end of a line or a text. A model that has read whole texts reads it before each.")
  return known ? text : tr("{text}: not in the vocabulary, read as <unk>", { text })
}
