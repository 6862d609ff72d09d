// The whole grid as one PNG or SVG: Plotly's figure with the page's labels as annotations and its frames as shapes.
import { escape } from "../page/markup.js"
import { make } from "../page/dom.js"
import { under } from "./below.js"

/** @import { Box } from "../types.d.ts" */
/** @import { Made, Picture } from "./types.d.ts" */

export const PAD = 10
const EDGE = 16 // beside the grid: the font of a saved picture may be wider than the page's
const FAMILY = "arial, sans-serif" // a name that needs quotes would be mangled in an SVG that Firefox saves

/** @param {"png" | "svg"} format @param {Picture} picture */
export async function download(format, picture) {
  const [what, { width, height }] = composed(picture)
  const scale = format === "png" ? 2 : 1
  await window.Plotly.downloadImage(what, { format, width, height, scale, filename: "gatescope" })
}

// The picture as a PNG's data: address.
/** @param {number} scale @param {Picture} picture */
export function snapshot(scale, picture) {
  const [what, { width, height }] = composed(picture)
  return window.Plotly.toImage(what, { format: "png", width, height, scale })
}

/** @type {Set<string>} */
const saved = new Set()

// A file that the server made: the browser saves it, once, however often it is shown the same content.
/** @param {Made} file */
export function keep({ id, name, type, data }) {
  if (saved.has(id)) return
  saved.add(id)
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))
  const href = URL.createObjectURL(new Blob([bytes], { type }))
  make("a", { href, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(href), 60_000) // not before the browser has taken it
}

/** @param {Picture} picture @returns {[object, { width: number, height: number }]} */
export function composed({ figure, geometry, labels, frames, below, page: { background, ink } }) {
  const foot = under(below, geometry)
  const edge = below ? EDGE : 0
  const width = geometry.width + edge + 2 * PAD
  const height = geometry.height + foot.height + 2 * PAD
  const across = (/** @type {number} */ x) => x / geometry.width
  const up = (/** @type {number} */ y) => 1 - y / geometry.height
  const placed = (/** @type {Box} */ box) => ({
    type: "rect",
    xref: "paper",
    yref: "paper",
    x0: across(box.x),
    x1: across(box.x + box.width),
    y0: up(box.y),
    y1: up(box.y + box.height),
  })
  const layout = {
    ...figure.layout,
    font: { ...figure.layout.font, family: FAMILY },
    width,
    height,
    margin: { l: PAD, r: PAD + edge, t: PAD, b: PAD + foot.height, pad: 0 },
    paper_bgcolor: background,
    annotations: [...labels, ...foot.labels].map((label) => ({
      xref: "paper",
      yref: "paper",
      x: across(label.x),
      y: up(label.y),
      text: escape(label.text), // Plotly reads a little markup in its texts
      showarrow: false,
      borderpad: 0,
      textangle: label.angle ?? 0,
      xanchor: label.anchor ?? "left",
      yanchor: label.vertical ?? "middle",
      font: { size: label.size ?? 12, color: label.color ?? ink },
      bgcolor: label.background ?? "rgba(0, 0, 0, 0)",
    })),
    shapes: [
      ...frames.map((box) => ({ ...placed(box), line: { width: 1, color: ink } })),
      ...foot.bars.map((box) => ({ ...placed(box), line: { width: 0 }, fillcolor: box.color })),
    ],
  }
  return [
    { data: figure.data, layout, config: { staticPlot: true } },
    { width, height },
  ]
}
