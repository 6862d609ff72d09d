// The play as a film: the picture without its cursors once, and for each step what changes, which is a strip of text and
// where the cursors stand. The server makes a GIF of them.
import { toSide } from "../page/align.js"
import { PAD, composed, snapshot } from "./export.js"
import { alone, expects } from "./clauses.js"

/** @import { Geometry, Picture, Side, Top } from "./types.d.ts" */

const MOST = 200 // steps
const PIXELS = 1_200_000 // of a frame
const LINE = 24

// The steps that are filmed: those in view, as far as a film goes.
/** @param {number[]} window @returns {number[]} */
export function filmed([from, to]) {
  return Array.from({ length: Math.min(MOST, to - from) }, (_, k) => from + k)
}

/** @typedef {object} Play
 * @property {Side[]} sides
 * @property {Geometry} geometry
 * @property {(k: number) => number[]} view the steps in view on a side
 * @property {number[]} pitch
 * @property {number[]} steps
 * @property {number} beat
 * @property {Picture} picture
 * @property {(share: number) => void} tell */

// ``tell(share)`` hears how much of the strips is drawn.
/** @param {Play} play */
export async function film({ sides, geometry, view, pitch, steps, beat, picture, tell }) {
  const [, still] = composed(picture)
  const rows = geometry.narrow ? 1 + sides.length : 1
  const scale = Math.min(1, Math.sqrt(PIXELS / (still.width * (still.height + rows * LINE))))
  const url = await snapshot(scale, picture)
  const { width } = await size(url)
  const height = Math.round(rows * LINE * scale)
  const sheet = Object.assign(document.createElement("canvas"), { width, height: height * steps.length })
  const pen = sheet.getContext("2d")
  if (!pen) throw new Error("this browser draws nothing")
  const { background, ink, font } = picture.page
  pen.fillStyle = background
  pen.fillRect(0, 0, sheet.width, sheet.height)
  Object.assign(pen, { fillStyle: ink, textBaseline: "middle" })
  const boxes = []
  for (const [k, step] of steps.entries()) {
    pen.setTransform(scale, 0, 0, scale, 0, k * height)
    const places = sides.map((_, side) => toSide(sides, side, step))
    const room = geometry.narrow ? geometry.width : geometry.gutter - 8
    pen.font = `700 14px ${font}`
    pen.fillText(alone(sides[0], step), PAD, LINE / 2 + 2, room)
    pen.font = `13px ${font}`
    sides.forEach((side, n) => {
      side.next.finish?.(places[n])
      const [x, y] = geometry.narrow ? [PAD, (n + 1.5) * LINE] : [PAD + geometry.tops[n].left, LINE / 2 + 2]
      pen.fillText(expects(sides, n, places[n]) || side.title, x, y, geometry.narrow ? geometry.width : geometry.column)
    })
    boxes.push(sides.map((_, n) => box(geometry.tops[n], places[n] - view(n)[0], pitch[n], scale)))
    if (k % 20 === 19) {
      tell((k + 1) / steps.length)
      await new Promise((done) => setTimeout(done))
    }
  }
  const bare = (/** @type {string} */ address) => address.slice(address.indexOf(",") + 1)
  return {
    picture: bare(url),
    strips: bare(sheet.toDataURL("image/png")),
    boxes,
    beat,
    ink: (ink.match(/\d+/g) ?? []).slice(0, 3).map(Number),
  }
}

// The cursor of a column in the picture: left, top, width, height, as decorate() places it on the page.
/** @param {Top} top @param {number} shown @param {number} pitch @param {number} scale */
function box(top, shown, pitch, scale) {
  return [PAD + top.left + shown * pitch, PAD + top.top - 2, Math.max(3, pitch), top.bottom - top.top + 6].map(
    (value) => Math.round(value * scale),
  )
}

/** @param {string} url */
async function size(url) {
  const image = new Image()
  image.src = url
  await image.decode()
  return { width: image.naturalWidth, height: image.naturalHeight }
}
