// The words are tinted by what each adds to the likeliest next word at the cursor: its part of the lead over the second.
import { make } from "../page/dom.js"
import { tr } from "../page/words.js"
import { channels } from "../walk/scale.js"

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
/** @param {number} share @param {Colors} colors */
function tinted(share, [against, forIt]) {
  const opacity = Math.round(MOST * Math.abs(share)) / 100
  return `rgba(${channels(share < 0 ? against : forIt).join(", ")}, ${opacity})`
}

/** @param {HTMLElement[]} words @param {number[]} found @param {Colors} colors */
export function tint(words, found, colors) {
  words.forEach((node, k) => {
    node.style.background = Math.abs(found[k]) < LEAST ? "" : tinted(found[k], colors)
  })
}

// What the tints mean, with the colour of each.
/** @type {(colors: Colors) => [about: string, ...meanings: [color: string, text: string][]]} */
export const meanings = (colors) => [
  tr("Tinted words:"),
  [tinted(1, colors), tr("speaks for the likeliest next word")],
  [tinted(-1, colors), tr("speaks against it")],
]

// The same below the grid.
/** @param {HTMLElement} root @param {Colors} colors */
export function legend(root, colors) {
  const [about, ...rest] = meanings(colors)
  const comma = tr("{first}, {second}", { first: "", second: "" })
  const parts = rest.map(([background, text]) => [make("i", { style: { background } }), " ", text])
  root.replaceChildren(about, " ", ...parts.flatMap((part, k) => (k ? [comma, ...part] : part)))
}
