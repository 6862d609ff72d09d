// What stands along the time axis and among the next words, as lstm_core/drawing/words.py says it.
import { isSpace, UNKNOWN } from "./tokenizer.js"
import { tr } from "../page/words.js"

/** @import { Token, Vocabulary } from "./types.d.ts" */
/** @import { Word } from "../types.d.ts" */

const [GOES_ON, BYTE] = [1, 2] // kinds of pieces
const UNSPACED = /^[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}]/u

// With control characters and white space made visible; unknown words in words.
/** @type {(text: string) => string} */
export function visible(text) {
  if (text === UNKNOWN) return tr("unknown word")
  return Array.from(text, shown).join("") || "␣"
}

/** @type {(letter: string) => string} */
function shown(letter) {
  const code = letter.codePointAt(0) ?? 0
  if (code === 10) return "\u21b5"
  if (code < 0x20 || code === 0x7f) return "^" + String.fromCharCode(code ^ 0x40)
  if (isSpace(letter)) return "␣"
  return /[\u0080-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff]/u.test(letter) ? "\ufffd" : letter
}

/** @type {(text: string) => string} */
const continuing = (text) => (/^\p{L}/u.test(text) && !UNSPACED.test(text) ? `-${text}` : text)

// What a piece is called where it is the next word.
/** @type {(vocabulary: Vocabulary, id: number) => string} */
export function nextWord({ bare, kind }, id) {
  if (kind[id] === BYTE) return tr("rare character")
  return visible(kind[id] === GOES_ON ? continuing(bare[id]) : bare[id])
}

// What a piece adds to a text, with the end of its word: "##" in front where no space may come before it; "" if it cannot be
// typed.
/** @type {(vocabulary: Vocabulary, id: number, ending?: string) => string} */
export function added({ bare, adds }, id, ending = "") {
  return ["", bare[id], `##${bare[id]}`][adds[id]] + letters(ending)
}

// What of an ending belongs to the word: "wegian" of "(wegian)".
const letters = (/** @type {string} */ ending) => ending.replace(/^\(|[-)]+$/gu, "")

// The tokens gathered into words.
/** @type {(tokens: Token[]) => Word[]} */
export function words(tokens) {
  /** @type {Token[][]} */
  const groups = []
  for (const token of tokens) {
    if (groups.length && groups[groups.length - 1][0].word === token.word) groups[groups.length - 1].push(token)
    else groups.push([token])
  }
  let first = 0
  return groups.map((group) => {
    const apart = group.filter((one, k) => !k || one.start !== group[k - 1].start || one.end !== group[k - 1].end)
    const text = apart.map((one) => one.text).join("")
    const known = group.every((one) => one.known)
    first += group.length
    return [visible(text.replace(/^ +| +$/g, "") || text), first - group.length, first - 1, Number(known)]
  })
}

// By step, what was read where it is not the word itself: the piece of it, or how many bytes.
/** @type {(tokens: Token[], gathered: Word[], vocabulary: Vocabulary) => Record<string, string>} */
export function pieces(tokens, gathered, vocabulary) {
  /** @type {Record<string, string>} */
  const found = {}
  for (const [text, first, last] of gathered) {
    for (let step = first; step <= last; step++) {
      if (!tokens[step].known) continue
      const said = piece(tokens, step, vocabulary)
      if (said.toLowerCase() !== text.toLowerCase()) found[step] = said
    }
  }
  return found
}

// The steps that spell one character in bytes with this one.
/** @type {(tokens: Token[], step: number) => number[]} */
function spelled(tokens, step) {
  const { start, end } = tokens[step]
  return tokens.flatMap((one, k) => (one.start === start && one.end === end ? [k] : []))
}

/** @type {(tokens: Token[], step: number, text: string) => string} */
function after(tokens, step, text) {
  const [before, here, next] = [tokens[step - 1], tokens[step], tokens[step + 1]]
  const written = goesOn(before, here) ? continuing(text) : text
  return goesOn(here, next) && spells(here) && spells(next) ? `${written}-` : written
}

// Whether a token goes on with the word of the one before it.
/** @type {(before: Token | undefined, token: Token | undefined) => boolean} */
const goesOn = (before, token) => Boolean(before && token && before.word === token.word && before.text.trim() !== "")

// Whether it is letters of a word that is written with spaces around it.
/** @type {(token: Token) => boolean} */
const spells = ({ text }) => /^\p{L}/u.test(text) && !UNSPACED.test(text)

// What the vocabulary has for a step.
/** @type {(tokens: Token[], step: number, vocabulary: Vocabulary) => string} */
function piece(tokens, step, { bare, kind }) {
  const count = kind[tokens[step].id] === BYTE ? spelled(tokens, step).length : 1
  return count > 1 ? tr("{count} bytes", { count }) : after(tokens, step, visible(bare[tokens[step].id]))
}

// What was read at a step, for a sentence.
/** @type {(tokens: Token[], step: number, vocabulary: Vocabulary) => string} */
export function named(tokens, step, { kind }) {
  const text = visible(tokens[step].text)
  const steps = kind[tokens[step].id] === BYTE ? spelled(tokens, step) : []
  const values = { char: text, at: steps.indexOf(step) + 1, count: steps.length }
  return steps.length > 1 ? tr("{char}, byte {at} of {count}", values) : after(tokens, step, text)
}
