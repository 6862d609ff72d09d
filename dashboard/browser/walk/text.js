// How a text goes on with a word, which words are spoken of at a step, what stands beneath one, and what its pieces are.
import { wordAt } from "../page/align.js"
import { quoted } from "../page/naming.js"
import { tr } from "../page/words.js"

/** @import { Word } from "../types.d.ts" */
/** @import { Expects, Side } from "./types.d.ts" */

const CJK = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}，。；：！？、（）《》「」]/u

// A text that goes on with a word: with a space between where there is one in writing. "##ing" goes on a word.
/** @type {(text: string, add: string) => string} */
export function joined(text, add) {
  if (add.startsWith("##")) return text + add.slice(2)
  const last = Array.from(text).at(-1) ?? " "
  const closes = /^[.,;:!?)\]}]/u.test(add) && /[\p{L}\p{N}]/u.test(last)
  const chinese = CJK.test(add) || (CJK.test(last) && !/^\p{sc=Latin}/u.test(add))
  return text + (/\s/u.test(last) || closes || chinese ? "" : " ") + add
}

// As places in a row of scores: the likeliest words, and those that are held against each other.
/** @type {(side: Pick<Expects, "ids" | "likeliest">, at: number) => number[]} */
export function spoken({ ids, likeliest }, at) {
  const row = Array.from(ids[at])
  return row
    .map((_, place) => place)
    .filter((place) => place < likeliest || !row.slice(0, likeliest).includes(row[place]))
}

// What stands beneath a step that has room for so many letters; a Chinese character takes as much as two. Of one that is
// read in bytes it is said which of them.
/** @type {(side: Pick<Side, "tokens" | "words">, step: number, room: number) => string} */
export function beneath({ tokens, words }, step, room) {
  const word = words.find(([, first, last]) => first < last && first <= step && step <= last)
  if (word && Array.from(word[0]).length === 1) return `${word[0]} ${step - word[1] + 1}/${word[2] - word[1] + 1}`
  const chars = Array.from(tokens[step])
  /** @type {(count: number) => number} */
  const taken = (count) => chars.slice(0, count).reduce((sum, char) => sum + (CJK.test(char) ? 2 : 1), 0)
  if (taken(chars.length) <= room) return tokens[step]
  const count = chars.findIndex((_, place) => taken(place + 1) > room - 1)
  return `${chars.slice(0, Math.max(1, count)).join("")}…`
}

// Whether a word is read in several steps; a character that is read in bytes has no pieces that can be written.
/** @type {(word: Word) => boolean} */
export const inPieces = ([text, first, last]) => first < last && Array.from(text).length > 1

// The pieces of the word at a step; nothing where it is read at once.
/** @type {(side: Pick<Side, "tokens" | "words">, step: number) => string} */
export function pieces({ tokens, words }, step) {
  const word = wordAt({ words }, step)
  if (!inPieces(word)) return ""
  const read = tokens
    .slice(word[1], word[2] + 1)
    .map(quoted)
    .join(tr(", "))
  return tr("{pieces}: the pieces in which {word} is read, one after the other.", {
    pieces: read,
    word: quoted(word[0]),
  })
}
