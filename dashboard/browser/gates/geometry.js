// Where everything stands, in pixels from the top left of the stage. Panels, labels, words, cursor and clicks all use it.
const TITLE = 24
const GAP = 5

/** @import { Box } from "../types.d.ts" */
/** @import { Geometry, Top } from "./types.d.ts" */

/** @typedef {object} Room
 * @property {number} width
 * @property {number} height
 * @property {string[]} rows
 * @property {string[]} strips
 * @property {number} sides
 * @property {number} wordsHeight
 * @property {(row: string, side: number) => boolean} empty
 * @property {number} [least] */

// ``empty(row, side)``: nothing is drawn there; a page of one column spares the height. ``least``: pixels of a panel.
/** @param {Room} room @returns {Geometry} */
export function arrange({ width, height, rows, strips, sides, wordsHeight, empty, least = 40 }) {
  const narrow = width < 640
  const gutter = narrow ? 104 : 110
  const between = narrow ? 0 : 62
  const right = narrow ? 28 : 24 // "1 − z" beside its line: a wide serif needs it where the page ends soon after
  const columns = narrow ? 1 : sides
  const column = Math.floor((width - gutter - right - between * (columns - 1)) / columns)
  const blocks = narrow ? sides : 1
  const panels = rows.length - strips.length
  const most = rows.length > 1 ? [104, 120] : [height, height] // one row alone takes all the height
  const free = height - TITLE - wordsHeight - rows.length * GAP - 8
  const share = free / (panels + 1.1 * strips.length)
  const panel = narrow ? Math.max(56, least) : Math.floor(Math.max(least, Math.min(most[0], share)))
  const strip = narrow ? 56 : Math.floor(Math.max(50, Math.min(most[1], 1.1 * share)))
  /** @type {(Box & { row: string, side: number })[]} */
  const boxes = []
  /** @type {Top[]} */
  const tops = []
  let y = 0
  for (let block = 0; block < blocks; block++) {
    const here = narrow ? [block] : Array.from({ length: sides }, (_, side) => side)
    const top = y + TITLE + wordsHeight
    for (const side of here)
      tops[side] = {
        left: gutter + (narrow ? 0 : side * (column + between)),
        title: y,
        words: y + TITLE,
        top,
        bottom: top,
      }
    y = top + 2
    for (const row of rows) {
      const tall = strips.includes(row) ? strip : narrow && empty(row, block) ? 18 : panel
      for (const side of here) boxes.push({ row, side, x: tops[side].left, y, width: column, height: tall })
      y += tall + GAP
      if (row === strips[strips.length - 1]) y += 4
    }
    for (const side of here) tops[side].bottom = y - GAP
    y += narrow ? 18 : 0
  }
  return { narrow, gutter, width, height: y, column, boxes, tops }
}
