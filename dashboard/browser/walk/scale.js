// Colour scales as Plotly writes them ([[0, "#..."], ...]), read in the browser.
import { clamp } from "../page/numbers.js"

/** @import { Scale } from "./types.d.ts" */

/** @type {(color: string) => number[]} */
export const channels = (color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16))

/** @type {(scale: Scale, share: number) => string} */
export function colorOf(scale, share) {
  const at = clamp(share, 0, 1)
  let k = 1
  while (k < scale.length - 1 && scale[k][0] < at) k++
  const [[low, from], [high, to]] = [scale[k - 1], scale[k]]
  const part = (at - low) / (high - low)
  const [a, b] = [channels(from), channels(to)]
  return `rgb(${a.map((v, c) => Math.round(v + part * (b[c] - v))).join(",")})`
}

// Black or white, whichever can be read on the colour.
/** @type {(color: string) => string} */
export function inkOn(color) {
  const [r, g, b] = (color.match(/\d+/g) ?? []).map((v) => (Number(v) / 255) ** 2.2)
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.3 ? "#16191d" : "#ffffff"
}
