// What a saved picture has below its grid: what is said on the page, and what the colours mean.
import { colorOf } from "../walk/scale.js"

/** @import { Box } from "../types.d.ts" */
/** @import { Below, Geometry, Label } from "./types.d.ts" */

const [LINE, SIZE, BAR, PARTS] = [20, 13, 110, 55]
const [GAP, SWATCH] = [8, 14]

/** @type {(char: string) => number} about how wide it is, in pixels: a picture is made where nothing can be measured */
const width = (char) => (/[\u2e80-\uffef]/.test(char) ? SIZE : 0.56 * SIZE)
const long = (/** @type {string} */ text) => Array.from(text).reduce((sum, char) => sum + width(char), 0)

// A Chinese character or a word, with the signs that open before it and close behind it, and the space that follows.
const PART = /[“（《「]*(?:[\u2e80-\uffef]|[^\s\u2e80-\uffef“”]+)[”），。；：、！？》」]*\s*|\S\s*/g

// The first of these texts that is no wider than this, else the last one.
/** @param {string[]} texts @param {number} most */
export const fitting = (texts, most) => texts.find((text) => long(text) <= most) ?? texts[texts.length - 1]

// A text in lines that are no wider than this.
/** @param {string} text @param {number} most @returns {string[]} */
export function lines(text, most) {
  const parts = text.match(PART) ?? []
  return parts.reduce((/** @type {string[]} */ done, part) => {
    const last = done.at(-1)
    if (last === undefined || long(last + part) > most) return [...done, part]
    return [...done.slice(0, -1), last + part]
  }, [])
}

/** @param {Below | undefined} below @param {Geometry} geometry
 * @returns {{ labels: Label[], bars: (Box & { color: string })[], height: number }} */
export function under(below, geometry) {
  if (!below) return { labels: [], bars: [], height: 0 }
  const said = lines(below.text, geometry.width)
  const row = (/** @type {number} */ k) => geometry.height + GAP + (k + 0.5) * LINE
  const inRow = geometry.narrow ? 1 : Math.max(1, below.scales.length)
  const across = geometry.width / inRow
  const labels = said.map((text, k) => /** @type {Label} */ ({ x: 0, y: row(k), text, size: SIZE }))
  const bars = below.scales.flatMap(({ colors, text }, k) => {
    const [x, y] = [(k % inRow) * across, row(said.length + Math.floor(k / inRow))]
    labels.push(/** @type {Label} */ ({ x: x + BAR + GAP, y, text, size: SIZE }))
    return Array.from({ length: PARTS }, (_, n) => ({
      x: x + (n * BAR) / PARTS,
      y: y - 6,
      width: BAR / PARTS + 0.5, // no seam between two
      height: 12,
      color: colorOf(colors, (n + 0.5) / PARTS),
    }))
  })
  let rows = said.length + Math.ceil(below.scales.length / inRow)
  const [about, ...meanings] = below.tints ?? []
  if (about === undefined) return { labels, bars, height: GAP + rows * LINE }
  // What the tints mean, one behind the other; on a phone one below the other.
  let x = long(about) + GAP
  labels.push(/** @type {Label} */ ({ x: 0, y: row(rows), text: about, size: SIZE }))
  for (const [color, text] of meanings) {
    if (geometry.narrow) [x, rows] = [0, rows + 1]
    bars.push({ x, y: row(rows) - 6, width: SWATCH, height: 12, color })
    labels.push(/** @type {Label} */ ({ x: x + SWATCH + GAP, y: row(rows), text, size: SIZE }))
    x += SWATCH + long(text) + 3 * GAP
  }
  return { labels, bars, height: GAP + (rows + 1) * LINE }
}
