// What things are called wherever they are spoken of.
import { wordAt } from "./align.js"
import { quotes, tr } from "./words.js"

/** @import { Named, Word } from "../types.d.ts" */

const SPACE = "␣" // what stands before a word

// A text in which words that would fill lines end in an ellipsis; Chinese, which has no spaces, stays whole. The rule of
// lstm_core/drawing/panel.py.
/** @type {(text: string) => string} */
export const brief = (text) =>
  text.replace(/[^\s\u3040-\u9fff]{25,}/gu, (word) => `${[...word].slice(0, 23).join("")}…`)

/** @type {(text: string) => string} */
export const quoted = (text) => (quotes(brief(text)) ? `‘${brief(text)}’` : `“${brief(text)}”`)

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

const ORDINALS = new Intl.PluralRules("en", { type: "ordinal" })

// What is said of a step's word, told apart from the same word elsewhere in the text: the 2nd “the”.
/** @param {{ words: Word[] }} side @param {number} step @param {string} said */
export function apart(side, step, said) {
  const here = wordAt(side, step)
  const same = side.words.filter(([text]) => text === here[0])
  if (same.length < 2) return said
  const values = { n: same.indexOf(here) + 1, word: said }
  const ways = {
    one: () => tr("the {n}st {word}", values),
    two: () => tr("the {n}nd {word}", values),
    few: () => tr("the {n}rd {word}", values),
    other: () => tr("the {n}th {word}", values),
  }
  return (ways[/** @type {keyof typeof ways} */ (ORDINALS.select(values.n))] ?? ways.other)()
}

const END = "↵" // of a line or of a text; some models read it before every text

// What is said of a word where the pointer rests on it.
/** @type {(text: string, known: number) => string} */
export function wordTitle(text, known) {
  if (text === END) return tr("↵: the end of a line or a text. A model that has read whole texts reads it before each.")
  return known ? text : tr("{text}: not in the vocabulary, read as <unk>", { text })
}
