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

// The word that a step reads, or the piece of it: “-ard” of “wizard”. ``word``: what the word is called.
/** @param {{ words: Word[], pieces?: Record<number, string> }} side @param {number} step */
export function readAt(side, step, word = quoted(wordAt(side, step)[0])) {
  const [text, first, last] = wordAt(side, step)
  if (first === last) return word
  const piece = side.pieces?.[step] ?? ""
  const bare = piece.replace(/^-|-$/g, "")
  if (piece === SPACE) return tr("the space before {word}", { word })
  if (bare && text.toLowerCase().includes(bare.toLowerCase()))
    return tr("{piece} of {word}", { piece: quoted(piece), word })
  const before = side.pieces?.[first] === SPACE ? first + 1 : first // bytes, and what is not known
  return tr("{word} (piece {at} of {count})", { word, at: step - before + 1, count: last - before + 1 })
}

const ORDINALS = new Intl.PluralRules("en", { type: "ordinal" })

// A step's word in quotation marks, told apart from the same word elsewhere in the text: the 2nd “the”.
/** @param {{ words: Word[] }} side @param {number} step */
export function apart(side, step) {
  const here = wordAt(side, step)
  const word = quoted(here[0])
  const same = side.words.filter(([text]) => text === here[0])
  if (same.length < 2) return word
  const values = { n: same.indexOf(here) + 1, word }
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
