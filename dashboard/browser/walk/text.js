// How a text goes on with a word, and which words are spoken of at a step.

/** @import { Expects } from "./types.d.ts" */

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
