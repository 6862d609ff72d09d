// The words are tinted by what each adds to the likeliest next word at the cursor: its part of the lead over the second.
import { make } from "../page/dom.js"
import { tr } from "../page/words.js"

/** @import { Row } from "../types.d.ts" */

/** What speaks against the next word, and what speaks for it.
 * @typedef {[against: string, forIt: string]} Colors */

const MOST = 45 // per cent of the colour behind the word that adds most
const LEAST = 0.04 // of the most: what is less is not tinted

// What each word adds at ``step``, from -1 to 1 by the largest; nothing where it is not known. ``adds``: the rows of a
// lower triangle, one behind the other.
/** @type {(adds: Row | null, step: number, words: { first: number, last: number }[]) => number[]} */
export function shares(adds, step, words) {
  const row = adds?.subarray((step * (step + 1)) / 2, ((step + 1) * (step + 2)) / 2)
  if (!row?.length) return words.map(() => 0)
  const sums = words.map(({ first, last }) => row.subarray(first, last + 1).reduce((sum, value) => sum + value, 0))
  const most = Math.max(...sums.map(Math.abs))
  return sums.map((sum) => (most > 0 ? sum / most : 0))
}

// Translucent: where words stand close, a letter's tail lies under the next word's tint.
/** @param {HTMLElement[]} words @param {number[]} found @param {Colors} colors */
export function tint(words, found, [against, forIt]) {
  words.forEach((node, k) => {
    const share = found[k]
    node.style.background =
      Math.abs(share) < LEAST
        ? ""
        : `color-mix(in srgb, ${share < 0 ? against : forIt} ${Math.round(MOST * Math.abs(share))}%, transparent)`
  })
}

// What the tints mean.
/** @param {HTMLElement} root @param {Colors} colors */
export function legend(root, [against, forIt]) {
  const swatch = (/** @type {string} */ color) =>
    make("i", { style: { background: `color-mix(in srgb, ${color} ${MOST}%, var(--st-background-color))` } })
  root.replaceChildren(
    tr("Tinted words:"),
    " ",
    swatch(forIt),
    " ",
    tr("speaks for the likeliest next word"),
    tr("{first}, {second}", { first: "", second: "" }),
    swatch(against),
    " ",
    tr("speaks against it"),
  )
}
