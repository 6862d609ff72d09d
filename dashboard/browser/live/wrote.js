// Below the figure: how much of what a unit holds at the cursor each word wrote, bars to both sides of nothing.
import { placeAt } from "../gates/clauses.js"
import { toSide } from "../page/align.js"
import { make } from "../page/dom.js"
import { digits, number } from "../page/numbers.js"
import { tr } from "../page/words.js"
import { contributions } from "./memory.js"

/** @import { Reading, Run } from "./types.d.ts" */

const MOST = 12 // words that are shown
const LEAST = 0.01 // of the largest part: what is less is not shown

// ``units`` and ``at``: what the figure speaks of, and its cursor; ``shown``: what it is drawn from.
/** @param {HTMLElement} root @param {{ reading: Reading, run: Run }[]} sides @param {any} shown @param {number[]} units
 * @param {number} at */
export function wrote(root, sides, shown, units, at) {
  root.replaceChildren(
    ...sides.flatMap(({ reading, run }, k) => {
      const side = shown.sides[k]
      if (!side.words.length) return []
      const step = toSide(shown.sides, k, at)
      const parts = contributions(reading, run, units[k], step)
      return parts ? [section(side, units[k], step, parts, k)] : []
    }),
  )
}

/** @param {any} side @param {number} unit @param {number} step @param {Float64Array} parts @param {number} k */
function section(side, unit, step, parts, k) {
  const named = side.named.find((/** @type {any} */ one) => one.unit === unit)
  const of = named ? tr("{name} (unit {unit})", named) : tr("unit {unit}", { unit })
  const word = placeAt(side, step)
  const title = tr("{cell}: who wrote {of} after {word}", { cell: side.title, of, word })
  const sums = side.words.map((/** @type {[string, number, number]} */ [text, first, last]) => {
    return { text, part: parts.subarray(first, last + 1).reduce((sum, value) => sum + value, 0) }
  })
  const most = Math.max(...sums.map((/** @type {{ part: number }} */ { part }) => Math.abs(part)))
  const large = [...sums].sort((a, b) => Math.abs(b.part) - Math.abs(a.part)).slice(0, MOST)
  const seen = sums.filter((/** @type {any} */ one) => large.includes(one) && Math.abs(one.part) > LEAST * most)
  const small = digits(sums.map((/** @type {{ part: number }} */ { part }) => part))
  const bars = seen.map((/** @type {{ text: string, part: number }} */ { text, part }) => {
    const share = (50 * Math.abs(part)) / most
    const style = { width: `${share}%`, marginLeft: `${part < 0 ? 50 - share : 50}%` }
    const fill = make("span", { class: part < 0 ? "gs-wrote-fill gs-against" : "gs-wrote-fill", style })
    const track = make("span", { class: "gs-wrote-track" }, fill)
    const value = make("span", { class: "gs-bar-value", text: number(part, small) })
    return make("div", { class: "gs-bar" }, make("span", { class: "gs-bar-word", dir: "auto", text }), track, value)
  })
  return make("section", { test: `gs-wrote-${k}`, "data-panel": `writers${k}` }, make("h2", { text: title }), ...bars)
}
