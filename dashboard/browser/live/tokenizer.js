// A text as a network reads it, by the same JSON of pieces and rules that the tokenizers library reads in Python.
import { rules } from "./cut.js"
import { entriesReader } from "./entries.js"
import { pieces } from "./pieces.js"
import { membersOf } from "./regex.js"

/** @import { Known, Token } from "./types.d.ts" */

export const UNKNOWN = "<unk>"
const GOES_ON = 1 // a kind of piece
const SPACES = [" ", "▁", "Ġ"] // how vocabularies spell the space that a piece may begin with
const combining = membersOf("combining")

// A function of a text, as `lstm_core.Tokenizer.encode`. Throws an Error for rules that have no counterpart here.
/** @param {any} json @returns {(text: string) => Token[]} */
export function reader(json) {
  if (json.entries) return entriesReader(json)
  if (json.added_tokens?.length || json.truncation || json.padding) throw new Error("special tokens are not read here")
  const cut = rules(json)
  const spelled = pieces(json.model)
  const unknown = spelled.id(json.model.unk_token || UNKNOWN)
  const begin = beginning(json.normalizer, spelled.id)
  return (text) => {
    const letters = Array.from(text, (one) => (/^[\ud800-\udfff]$/.test(one) ? "?" : one)) // half a pair is no character
    const read = cut(letters).flatMap((word, number) =>
      spelled.of(word.map(({ letter }) => letter)).map(({ id, piece, from, to }) => {
        const [start, end] = [word[from].start, word[to - 1].end]
        return { id, piece, start, end, word: number }
      }),
    )
    const tokens = placed(letters, read, unknown)
    return tokens.length ? [...begin, ...tokens] : tokens
  }
}

// What is read before every text, if anything is.
/** @param {any} normalizer @param {(piece: string) => number | undefined} idOf @returns {Token[]} */
function beginning(normalizer, idOf) {
  const rule = normalizer?.normalizers?.find((/** @type {any} */ one) => one.type === "Begins")
  if (!rule) return []
  const id = idOf(rule.with)
  if (id === undefined) throw new Error("what is read before a text is no piece of the vocabulary")
  return [{ text: rule.with, start: 0, end: 0, id, piece: rule.with, known: true, word: -1 }]
}

// A text as it is read: where spaces begin words, one that ends it is of a word that is not there yet.
/** @param {string} text @param {Pick<Known, "vocabulary">} known */
export function typed(text, { vocabulary }) {
  return (vocabulary.kind.includes(GOES_ON) && text.replace(/ +$/, "")) || text
}

// Where each token stands, as lstm_core/text.py says it: bytes of a character share its place, a space before a word is
// not shown, accents belong to their letter.
/** @param {string[]} letters @param {{ id: number, piece: string, start: number, end: number, word: number }[]} read
 * @param {number | undefined} unknown @returns {Token[]} */
function placed(letters, read, unknown) {
  /** @type {Token[]} */
  const tokens = []
  let stop = letters.length
  let last = [-1, -1]
  for (const { id, piece, word: number, ...span } of read.toReversed()) {
    const same = span.start === last[0] && span.end === last[1]
    let start = span.start
    let end = same ? span.end : Math.max(start, Math.min(span.end, stop))
    let word = number
    const next = tokens.at(-1)
    const putIn = SPACES.includes(piece) && end - start === 1 && letters[start] === "\n" // before what begins a line
    if (next && (same || start === end || putIn)) {
      if (!same) word = next.word
      start = next.start
      end = next.end
    } else {
      last = [span.start, span.end]
      if (SPACES.includes(Array.from(piece)[0])) {
        const first = letters.slice(start, end).findIndex((letter) => !isSpace(letter))
        if (first > 0) start += first
      }
      while (end < stop && combining.has(/** @type {number} */ (letters[end].codePointAt(0)))) end++
    }
    stop = start
    tokens.push({ text: letters.slice(start, end).join(""), start, end, id, piece, known: id !== unknown, word })
  }
  return tokens.reverse()
}

/** @type {(letter: string) => boolean} as Python's str.isspace */
export const isSpace = (letter) => /[\s\u0085\u001c-\u001f]/.test(letter) && letter !== "\ufeff"
