// Draws what the figure asks Plotly for, heat maps and lines on one pair of axes in pixels: a saved page has no room for
// all of Plotly, and a canvas is there within a key's time. `window.Plotly` has the same functions.
import { make } from "../page/dom.js"
import { plain } from "../page/markup.js"

/** @typedef {[number, number, number]} Colour */

/** @type {(text: string) => Colour} */
function colour(text) {
  const part = (/** @type {number} */ k) => parseInt(text.slice(k, k + 2), 16)
  return [part(1), part(3), part(5)]
}

const LINE = 1.25 // of a text's size
/** How much of a text lies before its anchor, or above it. @type {Record<string, number>} */
const PART = { left: 0, top: 0, center: 0.5, middle: 0.5, right: 1, bottom: 1 }
const COLOURS = 256
/** @type {WeakMap<object, Colour[]>} by the scale that they are of: one is drawn with at every key */
const tables = new WeakMap()

/** @type {(colorscale: [number, string][]) => Colour[]} */
function table(colorscale) {
  const known = tables.get(colorscale)
  if (known) return known
  const stops = colorscale.map(([at, text]) => /** @type {[number, Colour]} */ ([at, colour(text)]))
  const made = Array.from({ length: COLOURS }, (_, k) => {
    const share = k / (COLOURS - 1)
    const next = Math.max(
      1,
      stops.findIndex(([at]) => at >= share),
    )
    const [[from, first], [to, second]] = [stops[next - 1], stops[next]]
    const part = Math.min(1, Math.max(0, (share - from) / (to - from)))
    return /** @type {Colour} */ (first.map((value, c) => value + part * (second[c] - value)))
  })
  tables.set(colorscale, made)
  return made
}

/** @param {any} one @param {any} layout */
function cells({ z, coloraxis }, layout) {
  const [rows, columns] = [z.length, z[0]?.length ?? 0]
  const canvas = make("canvas")
  Object.assign(canvas, { width: columns, height: rows })
  if (!rows || !columns) return canvas
  const { colorscale, cmin, cmax } = layout[coloraxis]
  const colours = table(colorscale)
  const image = new ImageData(columns, rows)
  let at = 0
  for (const row of z) {
    for (let x = 0; x < columns; x++, at += 4) {
      if (Number.isNaN(row[x])) continue
      const share = Math.min(1, Math.max(0, (row[x] - cmin) / (cmax - cmin)))
      const [red, green, blue] = colours[Math.round((COLOURS - 1) * share)]
      image.data[at] = red
      image.data[at + 1] = green
      image.data[at + 2] = blue
      image.data[at + 3] = 255
    }
  }
  canvas.getContext("2d")?.putImageData(image, 0, 0)
  return canvas
}

// The steps of a line: each value is held until the next.
/** @type {(one: any) => [number, number][]} */
const corners = ({ x, y }) =>
  x.flatMap((/** @type {number} */ at, /** @type {number} */ k) =>
    k
      ? [
          [at, y[k - 1]],
          [at, y[k]],
        ]
      : [[at, y[k]]],
  )

/** @param {CanvasRenderingContext2D} pen @param {any} data @param {any} layout */
function paint(pen, data, layout) {
  pen.imageSmoothingEnabled = false
  for (const one of data) {
    if (one.type === "heatmap" && one.z.length) {
      const [width, height] = [one.z[0].length * one.dx, one.z.length * one.dy]
      pen.drawImage(cells(one, layout), one.x0 - one.dx / 2, one.y0 - one.dy / 2, width, height)
    } else if (one.type === "scatter") {
      pen.beginPath()
      corners(one).forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)))
      Object.assign(pen, { strokeStyle: one.line.color, lineWidth: one.line.width, lineJoin: "round" })
      pen.stroke()
    }
  }
}

/** @param {HTMLElement} node @param {object[]} data @param {any} layout */
async function react(node, data, layout) {
  const { width, height } = layout
  const sharp = window.devicePixelRatio || 1
  const canvas = node.querySelector("canvas") ?? node.appendChild(make("canvas"))
  Object.assign(canvas, { width: Math.round(width * sharp), height: Math.round(height * sharp) })
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` })
  const pen = canvas.getContext("2d")
  pen?.scale(sharp, sharp)
  if (pen) paint(pen, data, layout)
  Object.assign(node, { data, layout })
}

// With the labels and frames that the page puts round what is drawn (gates/export.js).
/** @param {any} figure @param {any} options */
function picture({ data, layout }, { width, height, scale: sharp = 1 }) {
  const canvas = make("canvas")
  Object.assign(canvas, { width: width * sharp, height: height * sharp })
  const pen = canvas.getContext("2d")
  if (!pen) throw new Error("this browser draws nothing")
  const { l, r, t, b } = layout.margin
  const [wide, tall] = [width - l - r, height - t - b]
  pen.scale(sharp, sharp)
  pen.fillStyle = layout.paper_bgcolor
  pen.fillRect(0, 0, width, height)
  pen.translate(l, t)
  paint(pen, data, layout)
  const family = getComputedStyle(document.body).fontFamily
  for (const { x, y, text, xanchor, yanchor, textangle, font, bgcolor } of layout.annotations) {
    pen.save()
    pen.translate(x * wide, (1 - y) * tall)
    pen.rotate((textangle * Math.PI) / 180)
    Object.assign(pen, { font: `${font.size}px ${family}`, textAlign: xanchor, textBaseline: yanchor })
    const { width, height } = { width: pen.measureText(plain(text)).width, height: LINE * font.size }
    pen.fillStyle = bgcolor
    pen.fillRect(-PART[xanchor] * width, -PART[yanchor] * height, width, height)
    pen.fillStyle = font.color
    pen.fillText(plain(text), 0, 0)
    pen.restore()
  }
  for (const { x0, x1, y0, y1, line, fillcolor } of layout.shapes) {
    /** @type {[number, number, number, number]} */
    const box = [x0 * wide, (1 - y0) * tall, (x1 - x0) * wide, (y0 - y1) * tall]
    Object.assign(pen, { strokeStyle: line.color, lineWidth: line.width, fillStyle: fillcolor })
    if (fillcolor) pen.fillRect(...box)
    if (line.width) pen.strokeRect(...box)
  }
  return canvas.toDataURL("image/png")
}

export const drawing = {
  react,
  purge: (/** @type {HTMLElement} */ node) => node.replaceChildren(),
  toImage: async (/** @type {object} */ figure, /** @type {object} */ options) => picture(figure, options),
  async downloadImage(/** @type {object} */ figure, /** @type {any} */ options) {
    make("a", { href: picture(figure, options), download: `${options.filename}.png` }).click()
  },
}
