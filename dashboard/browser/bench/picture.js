// What the unit does with a text of a puzzle: what it reads, its gates as shares, the signal that counts as a line, and
// under each step whether it is right.
import { make } from "../page/dom.js"
import { number } from "../page/numbers.js"
import { tr } from "../page/words.js"

/** @import { Puzzle, Step, Text } from "./puzzles.js" */

const SVG = "http://www.w3.org/2000/svg"
const [LEFT, COLUMN, ROW, PLOT] = [52, 26, 20, 92]

/** @param {string} tag @param {Record<string, string | number>} attributes @param {string} [text] */
function draw(tag, attributes, text) {
  const node = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value))
  if (text !== undefined) node.textContent = text
  return node
}

/** @param {Puzzle} puzzle @param {string[]} names of the inputs @param {Text} text @param {Step[]} steps
 * @param {boolean[]} right */
export function picture(puzzle, names, text, steps, right) {
  const count = steps.length
  const parts = []
  const x = (/** @type {number} */ t) => LEFT + COLUMN * (t + 0.5)
  const label = (/** @type {string} */ name, /** @type {number} */ y) =>
    draw("text", { x: LEFT - 6, y: y + 14, class: "gb-row" }, name)
  names.forEach((name, k) => {
    parts.push(label(name, k * ROW))
    text.inputs.forEach((read, t) => {
      const said = read[k] > 0 ? "+1" : read[k] < 0 ? "−1" : "·"
      parts.push(draw("text", { x: x(t), y: k * ROW + 14, class: "gb-read" }, said))
    })
  })
  const gates = /** @type {const} */ (["i", "f", "o"])
  gates.forEach((gate, k) => {
    const y = (names.length + k) * ROW
    parts.push(label(gate, y))
    steps.forEach((step, t) => {
      const box = { x: x(t) - COLUMN / 2 + 1, y: y + 2, width: COLUMN - 2, height: ROW - 4 }
      parts.push(draw("rect", { ...box, class: "gb-frame" }))
      parts.push(draw("rect", { ...box, class: "gb-open", "fill-opacity": step[gate].toFixed(3) }))
    })
  })
  const top = (names.length + gates.length) * ROW + 6
  const values = steps.map((step) => step[puzzle.signal])
  const most = Math.max(1, ...values.map(Math.abs))
  const y = (/** @type {number} */ value) => top + PLOT / 2 - (value / most) * (PLOT / 2 - 4)
  parts.push(draw("path", { d: `M${LEFT} ${y(0)}H${LEFT + COLUMN * count}`, class: "gb-zero" }))
  parts.push(draw("text", { x: LEFT - 6, y: y(0) + 4, class: "gb-row" }, puzzle.signal))
  parts.push(
    draw("path", { d: `M${values.map((value, t) => `${x(t)} ${y(value).toFixed(1)}`).join("L")}`, class: "gb-line" }),
  )
  right.forEach((good, t) => {
    const free = text.wanted[t] === null
    const mark = free ? "·" : good ? "✓" : "✗"
    parts.push(draw("text", { x: x(t), y: top + PLOT + 14, class: good ? "gb-mark" : "gb-mark gb-wrong" }, mark))
  })
  const wrong = right.filter((good) => !good).length
  const alt = tr("{signal} ends at {value}; wrong at {wrong} of {count} steps.", {
    signal: puzzle.signal,
    value: number(values[count - 1]),
    wrong,
    count,
  })
  const [width, height] = [LEFT + COLUMN * count + 4, top + PLOT + 20]
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": alt })
  svg.append(...parts)
  return make("div", { class: "gb-picture", test: "gb-picture", tabindex: 0 }, svg)
}
