// Small pictures beside the walk: what the drawing's parts mean, the loop and its chain, and a function with its point.
import { make } from "../page/dom.js"
import { svg } from "./drawing.js"
import { clamp } from "../page/numbers.js"
import { tr } from "../page/words.js"

/** @import { Operation, Side, Tree } from "./types.d.ts" */
/** @typedef {[x: number, y: number]} Point */

/** @type {(width: number, height: number, label: string, ...children: Node[]) => SVGElement} */
function picture(width, height, label, ...children) {
  return svg(
    "svg",
    { class: "gw-picture", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label },
    ...children,
  )
}

/** @type {(text: string, x: number, y: number, name?: string) => SVGElement} */
function write(text, x, y, name = "") {
  const node = svg("text", { x, y, class: name })
  node.textContent = text
  return node
}

/** @type {(points: string) => SVGElement} */
const wire = (points) => svg("polyline", { class: "gw-ink", points })
// A line with a head at a point, in a direction.
/** @type {(points: string, at: Point, to: Point) => SVGElement[]} */
const arrow = (points, [x, y], [dx, dy]) => [
  wire(points),
  wire(`${x - 5 * dx - 4 * dy},${y - 5 * dy - 4 * dx} ${x},${y} ${x - 5 * dx + 4 * dy},${y - 5 * dy + 4 * dx}`),
]

// The essays' legend of a drawing.
export function legend() {
  /** @type {(text: string, ...children: Node[]) => HTMLElement} */
  const entry = (text, ...children) => make("li", {}, picture(64, 36, text, ...children), make("span", { text }))
  const box = make(
    "ul",
    { class: "gw-legend" },
    entry(
      tr("layer: weights of its own, then the function written on it"),
      svg("rect", { class: "gw-ink", x: 12, y: 6, width: 40, height: 24, rx: 4 }),
      write("σ", 32, 23),
    ),
    entry(
      tr("pointwise: unit by unit, without weights"),
      svg("circle", { class: "gw-ink", cx: 32, cy: 18, r: 12 }),
      write("×", 32, 23),
    ),
    entry(
      tr("transfer: a whole vector goes on; the stronger its value, the thicker the line"),
      ...arrow("6,18 56,18", [56, 18], [1, 0]),
    ),
    entry(
      tr("concatenate: lines that end at one layer are read side by side, [h, x]"),
      ...arrow("6,10 30,10 30,26 6,26", [30, 18], [0, 0]),
      ...arrow("30,18 56,18", [56, 18], [1, 0]),
    ),
    entry(
      tr("copy: where a line forks, the same goes both ways"),
      ...arrow("6,18 30,18 30,8 56,8", [56, 8], [1, 0]),
      ...arrow("30,18 30,28 56,28", [56, 28], [1, 0]),
    ),
  )
  return make(
    "details",
    { class: "gw-code", test: "gw-legend" },
    make("summary", { text: tr("How to read the drawing") }),
    box,
  )
}

// The network as a loop, and the same unrolled over the first words: a copy of one cell a word.
/** @type {(side: Side, rnn: string | null, choose: (name: string) => void) => HTMLElement[]} */
export function loop(side, rnn, choose) {
  const words = side.tokens.slice(0, 5)
  const [pitch, from] = [84, 150]
  const width = from + pitch * words.length + 40
  /** @param {number} x */
  const cell = (x) => svg("rect", { class: "gw-ink gw-cellbox", x: x - 22, y: 46, width: 44, height: 36, rx: 6 })
  /** @type {(x: number, k?: number) => SVGElement[]} */
  const name = (x, k) => [
    ...arrow(`${x},110 ${x},84`, [x, 84], [0, -1]),
    ...arrow(`${x},46 ${x},24`, [x, 24], [0, -1]),
    write(k === undefined ? "h" : `h${"₀₁₂₃₄"[k]}`, x, 16),
    cell(x),
    write("A", x, 69),
  ]
  const parts = [
    ...name(46),
    write("x", 46, 126),
    ...arrow("68,64 88,64 88,36 4,36 4,64 22,64", [22, 64], [1, 0]),
    write("=", 116, 70, "gw-equals"),
  ]
  words.forEach((word, k) => {
    const x = from + 30 + pitch * k
    parts.push(...name(x, k), write(Array.from(word).slice(0, 9).join(""), x, 126))
    parts.push(...arrow(`${x + 22},64 ${x + pitch - 24},64`, [x + pitch - 24, 64], [1, 0]))
  })
  const label = tr("A cell that hands its state on to itself, and the same as a chain: one copy of it for each word.")
  /** @param {string} said */
  const text = (said) => make("p", { class: "gw-text", text: said })
  const button = rnn
    ? [
        make("button", {
          type: "button",
          class: "gw-button",
          test: "gw-rnn",
          text: tr("Put the plain RNN on the left"),
          onclick: () => choose(rnn),
        }),
      ]
    : []
  return [
    make("summary", { text: tr("First the plain RNN: a loop over the words") }),
    make("div", { class: "gw-loop-box" }, picture(width, 134, label, ...parts)),
    text(
      tr("An ordinary layer, h = f(W x + b) with tanh or ReLU for f, sees one word, and nothing of those before it."),
    ),
    text(
      tr(
        "A recurrent network reads one word after the other with one and the same cell A, which hands its state h on to itself: a loop. Unrolled over the sentence it is a chain of copies that share their weights.",
      ),
    ),
    text(
      tr(
        "In the plain RNN the cell is a single layer, h = tanh(W x + U h + b), and every word rewrites all of h. The LSTM and the GRU put gates in its place, so that a word need not.",
      ),
    ),
    ...button,
  ]
}

/** @type {Record<string, (x: number) => number>} */
const CURVES = { sigmoid: (x) => 1 / (1 + Math.exp(-x)), tanh: Math.tanh }
/** @param {Tree} tree @returns {tree is Operation} */
export const drawable = (tree) => tree.o !== undefined && tree.o in CURVES

// The function of a gate or candidate with the point of this word on it: across, what it is applied to; up, what it gives.
/** @type {(name: string, net: number, value: number, label: string) => SVGElement} */
export function curve(name, net, value, label) {
  const [reach, width, height] = [Math.max(6, Math.min(12, Math.abs(net) + 1)), 220, 92]
  const low = name === "tanh" ? -1 : 0
  /** @type {((value: number) => number)[]} */
  const [x, y] = [
    (v) => 16 + ((v + reach) / (2 * reach)) * (width - 32),
    (v) => 10 + (1 - (v - low) / (1 - low)) * (height - 34),
  ]
  const points = Array.from({ length: 61 }, (_, k) => -reach + (k * reach) / 30)
    .map((v) => `${x(v).toFixed(1)},${y(CURVES[name](v)).toFixed(1)}`)
    .join(" ")
  const at = clamp(net, -reach, reach)
  return picture(
    width,
    height,
    label,
    svg("line", { class: "gw-axis", x1: 16, x2: width - 16, y1: y(0), y2: y(0) }),
    svg("line", { class: "gw-axis", x1: x(0), x2: x(0), y1: y(1), y2: y(low) }),
    svg("polyline", { class: "gw-ink", points }),
    svg("line", { class: "gw-axis gw-drop", x1: x(at), x2: x(at), y1: y(0), y2: y(value) }),
    svg("circle", { class: "gw-point", cx: x(at).toFixed(1), cy: y(value).toFixed(1), r: 4.5 }),
    write(`−${reach.toFixed(0)}`, 18, height - 8),
    write("0", x(0), height - 8),
    write(reach.toFixed(0), width - 18, height - 8),
    write("1", x(0) - 8, y(1) + 8),
    ...(low ? [write("−1", x(0) + 14, y(low))] : []),
  )
}
