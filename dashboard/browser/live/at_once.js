// A text read here while the server is on its way with its trace, and how far the two are from each other. For
// gates/ahead.js, which asks for this module when it has drawn a first figure.
import { unpack } from "../page/unpack.js"
import { away } from "../page/connection.js"
import { tr } from "../page/words.js"
import { longest, reading, work } from "./carried.js"
import { content } from "./content.js"
import { read } from "./read.js"
import { common } from "./run.js"
import { valuesOf } from "./units.js"

/** @import { Known, Reading, Run, Token } from "./types.d.ts" */
/** @typedef {{ known: string, weights: string, cell: string, bytes: number }} Parts addresses, as dashboard/at_once.py says them */
/** @typedef {{ text: string, shown: any, sides: { reading: Reading, run: Run, tokens: Token[] }[] }} Answer */

const QUICK = 2e8 // products that may be between a key and its paint
const OTHERS = 4 // rows below the units, as lstm_core/drawing/band.py sums up the others

// Both models, ready to read. ``base``: where the app lives. Throws an Error where one is not there, or damaged, or where
// ``signal`` ends it.
/** @param {Parts[]} parts @param {string[]} names @param {string} base @param {AbortSignal} signal
 * @returns {Promise<Reading[]>} */
export async function fetched(parts, names, base, signal) {
  /** @param {string} address */
  const get = async (address) => {
    const answer = await fetch(new URL(address, base), { signal })
    if (!answer.ok) throw new Error(`${address} is not there`)
    return new Uint8Array(await answer.arrayBuffer())
  }
  const found = []
  for (const [k, { known, weights, cell }] of parts.entries()) {
    // one after the other: on a slow line the page's own messages have to come through
    const said = /** @type {Known} */ (unpack(await get(known)))
    found.push(await reading(said, names[k], await import(new URL(cell, base).href), () => get(weights)))
  }
  return found
}

// What the figure shows of a text; null where the server has to be waited for. ``template``: what it has drawn before;
// ``picked``: the unit that was picked on each side; ``writing``: somebody is still writing at the end.
/** @param {any} template @param {Reading[]} readings @param {string} text @param {(number | null)[]} picked
 * @param {boolean} writing @returns {Answer | null} */
export function answer(template, readings, text, picked, writing) {
  const begun = performance.now()
  if (template.show !== "lead" && template.sides.some((/** @type {any} */ { wide }) => wide)) return null
  if (!away() && !readings.every((reading) => quick(reading, text))) return null
  const { sides, notices } = read(
    readings,
    template.sides.map((/** @type {any} */ { title }) => title),
    text,
  )
  if (sides.some(({ tokens }) => tokens.length) && !sides.every(({ tokens }) => tokens.length)) return null
  const chosen = sides.map((_, k) => {
    const { units } = template.sides[k]
    return { unit: template.units[k], rows: new Set(/** @type {Int32Array} */ (units)), picked: picked[k] }
  })
  const made = content(template, text, sides, chosen, notices, writing)
  const spent = (performance.now() - begun).toFixed(0)
  const quiet = tr("Computed in this browser in {spent} ms", { spent })
  const shown = { ...made, quiet, of: { ...template.of, text }, files: [], here: true }
  return { text, shown, sides }
}

// Whether a text is read whole, and within a key's time.
/** @param {Reading} reading @param {string} text */
function quick({ model, read, before }, text) {
  const ids = read(text).map(({ id }) => id)
  const known = before && model.layers[0].length === 1 ? common(before.ids, ids) : 0
  return ids.length <= longest(model) && (ids.length - known) * work(model) <= QUICK
}

// The largest difference between what stands here and what the server has sent of the same text, over every value that
// is drawn of a unit and the share of the likeliest next words. None where they have not read the same steps.
/** @param {any} shown @param {Answer} here @returns {number | null} */
export function apart(shown, here) {
  let most = 0
  const compare = (/** @type {number} */ one, /** @type {number} */ other) => {
    const difference = Math.abs(one - other)
    if (!(difference <= most)) most = Number.isNaN(difference) ? Infinity : difference
  }
  for (const [k, { tokens }] of here.sides.entries()) if (shown.sides[k].ends.length !== tokens.length) return null
  for (const { type, z, meta } of shown.figure.data) {
    if (type !== "heatmap") continue
    const { reading, run } = here.sides[meta.side]
    const values = meta.sources ? run.alpha : valuesOf(reading, run, meta.signal)
    if (!values) return null
    const rows = meta.band ? z.slice(0, -OTHERS) : z
    rows.forEach((/** @type {Float32Array} */ row, /** @type {number} */ k) => {
      const unit = meta.sources ? k : shown.sides[meta.side].units[k]
      for (let t = 0; t < row.length; t++) compare(row[t], values[t][unit])
    })
  }
  // The likeliest next words together: how they are called, and so which of them are one, is another matter.
  const sum = (/** @type {ArrayLike<number>} */ shares) => Array.from(shares).reduce((all, share) => all + share, 0)
  here.sides.forEach(({ run }, k) => {
    const { p } = shown.sides[k].next
    p.forEach((/** @type {Float32Array} */ row, /** @type {number} */ t) =>
      compare(sum(row), sum(run.likeliest[t].shares)),
    )
  })
  return most
}
