// The cell's drawing as SVG: geometry from the server, colours and widths from the numbers at the step.
import { minus } from "../page/numbers.js"
import { tr } from "../page/words.js"
import { FUNCTIONS, lettered } from "./formula.js"

/** @import { Notation } from "./notation.js" */
/** @import { Node as Spot, Side, Wire } from "./types.d.ts" */
/** How something looks. @typedef {{ color: string, line: string, ink: string, share: number } | null} Look */

const SPACE = "http://www.w3.org/2000/svg"
const UNIT = 16 // pixels a grid unit at natural size
const PEEK = 3 // grid units of the neighbouring steps that are seen
const TOUCHED = matchMedia("(pointer: coarse)").matches
const LEAST = TOUCHED ? 0.8 : 0.48 // of the natural size: what letters need, and fingers
const HIGH = TOUCHED ? 0.8 : 0.55 // a tall drawing is given the height for this, where there is the width
const BESIDE = 480 // pixels of a screen that what is above the drawing takes, and the equation with its numbers below it

/** @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag @param {Record<string, string | number | undefined>} attributes @param {(Node | string)[]} children
 * @returns {SVGElementTagNameMap[Tag]} */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SPACE, tag)
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined) node.setAttribute(name, String(value))
  node.append(...children)
  return node
}

/** @type {Record<string, string>} */
const OPERATIONS = { product: "×", sum: "+", difference: "−", quotient: "÷" }

/** @type {(side: Side) => number} */
const natural = (side) => (side.diagram.frame[2] + 2 * PEEK) * UNIT

// The pixels that the drawing of a cell needs; where there are less, it scrolls.
/** @type {(side: Side) => number} */
export const leastWidth = (side) => Math.ceil(LEAST * natural(side))

/** @param {Spot} node */
function label(node) {
  if (node.label === "divides") return tr("divides")
  if (node.kind === "layer" || node.kind === "function") return FUNCTIONS[node.label] ?? minus(node.label)
  return OPERATIONS[node.kind] ?? node.label
}

// A letter with what stands below it, and above it for what comes from the layer below.
/** @param {SVGElement} text @param {string} name @param {string} time @param {Notation} style */
function write(text, name, time, style) {
  const [base, index] = lettered(style.name(name.replace("below_", "")))
  const below = [index, time].filter(Boolean).join(",")
  const lower = below ? [svg("tspan", { class: "gw-index", dy: 5 }, below)] : []
  const upper = name.startsWith("below_") ? [svg("tspan", { class: "gw-index", dy: index ? -11 : -6 }, "ℓ−1")] : []
  text.classList.add("gw-lettered")
  text.setAttribute("dy", "0.33em")
  text.replaceChildren(base, ...lower, ...upper)
}

/** @type {(node: SVGElement, x: number, y: number) => void} */
function place(node, x, y) {
  node.setAttribute("x", String(x))
  node.setAttribute("y", String(y))
}

export class Drawing {
  /** @type {(Spot & { group: SVGElement, shape: SVGElement, text: SVGElement })[]} */
  nodes = []
  /** @type {(Wire & { line: SVGElement })[]} */
  wires = []
  /** @type {Side | undefined} */
  of = undefined
  written = ""
  before = svg("text", { class: "gw-peek", "text-anchor": "end" })
  after = svg("text", { class: "gw-peek" })
  word = svg("text", { class: "gw-read" })

  /** @param {(node: Spot) => void} onPick */
  constructor(onPick) {
    this.root = svg("svg", { class: "gw-drawing", role: "group" })
    this.onPick = onPick
  }

  // Build the nodes once a cell; `paint` then only changes colours.
  /** @param {Side} side @param {Notation} style */
  build(side, style) {
    if (this.of === side && this.written === style.kind) return
    this.of = side
    this.written = style.kind
    const { nodes, wires, frame } = side.diagram
    const [x, y, w, h] = frame.map((v) => v * UNIT)
    const peek = PEEK * UNIT
    this.root.setAttribute("viewBox", `${x - peek} ${y - 8} ${w + 2 * peek} ${h + 16}`)
    Object.assign(this.root.style, {
      maxWidth: `${natural(side) * 1.35}px`,
      minWidth: `${leastWidth(side)}px`,
      maxHeight: `max(min(43vh, 100vh - ${BESIDE}px), ${Math.ceil(HIGH * (h + 16))}px)`,
    })
    const inset = 2 * UNIT
    /** @type {(left: number, width: number, name: string) => SVGElement} */
    const body = (left, width, name) =>
      svg("rect", { class: `gw-body ${name}`, x: left, y: y + 4, width, height: h - 8, rx: 12 })
    place(this.before, x + inset - 20, y + h - 18)
    place(this.after, x + w - inset + 20, y + h - 18)
    const input = nodes.find((node) => node.kind === "input")
    if (input) place(this.word, (input.box[0] + 2) * UNIT, (input.box[1] + 1) * UNIT)
    this.wires = wires.map((wire) => {
      const line = svg("polyline", {
        class: "gw-wire",
        points: wire.points.map(([px, py]) => `${px * UNIT},${py * UNIT}`).join(" "),
      })
      return { ...wire, line }
    })
    const memory = new Set(side.diagram.memory)
    for (const wire of this.wires)
      if (memory.has(wire.from) && (memory.has(wire.to) || wire.to >= 1000) && wire.points.length === 2)
        wire.line.classList.add("gw-memory")
    this.nodes = nodes.map((node) => this.node(node, side, style))
    this.root.replaceChildren(
      body(x - w + inset - 10, w - 2 * inset, "gw-beside"),
      body(x + w - inset + 10, w - 2 * inset, "gw-beside"),
      body(x + inset, w - 2 * inset, ""),
      this.before,
      this.after,
      this.word,
      ...this.wires.map((wire) => wire.line),
      ...this.nodes.map((node) => node.group),
    )
  }

  /** @param {Spot} node @param {Side} side @param {Notation} style */
  node(node, side, style) {
    const [x, y, wide, high] = node.box.map((v) => v * UNIT)
    const end = ["old", "new", "input"].includes(node.kind)
    const box = { x: x - wide, y: y - high, width: 2 * wide, height: 2 * high }
    const shape = svg("rect", { ...box, rx: node.kind === "layer" ? 4 : high, class: "gw-shape" })
    const text = svg("text", { x, y, class: "gw-label" })
    const group = svg(
      "g",
      {
        class: `gw-node gw-${node.kind}${end ? " gw-end" : ""}`,
        tabindex: "0",
        role: "button",
        "data-node": node.id,
        "data-signal": node.signal ?? "",
      },
      shape,
      text,
    )
    if (end && node.kind === "input" && style.upper)
      write(text, `below_${side.output}`, "t", style) // not a word
    else if (end)
      write(text, node.label, node.kind === "old" ? (node.label.startsWith("below_") ? "" : "t−1") : "t", style)
    else text.textContent = node.kind === "layer" ? style.affine(label(node)) : label(node)
    if ((text.textContent ?? "").length > (end ? 3 : 5)) {
      text.classList.add("gw-long")
      if (node.kind === "layer") {
        text.setAttribute("textLength", String(box.width - 4))
        text.setAttribute("lengthAdjust", "spacingAndGlyphs")
      }
    }
    if (node.signal && node.kind !== "new") {
      const [at, level] = node.letter.map((v) => v * UNIT)
      const letter = svg("text", { x: at - 4 * Math.sign(at - x), y: level - 3, class: "gw-letter" })
      write(letter, node.signal, "", style)
      group.append(letter)
    }
    /** @param {Event} event */
    const pick = (event) => {
      event.preventDefault()
      this.onPick(node)
    }
    group.addEventListener("click", pick)
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return
      event.stopPropagation()
      pick(event)
    })
    return { ...node, group, shape, text }
  }

  // In a drawing that is wider than its place, bring the stage's layer into view.
  reveal() {
    const [box, active] = [this.root.parentElement, this.root.querySelector(".gw-active")]
    if (!active || !box || box.scrollWidth <= box.clientWidth) return
    const [outer, inner] = [box.getBoundingClientRect(), active.getBoundingClientRect()]
    box.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2
  }

  // look(node or wire) -> {color, ink, share} of its value, or null where it is hidden or has none.
  /** @param {(item: Spot | Wire) => Look} look @param {Set<string | null>} active @param {(node: Spot) => string} describe
   * @param {string[]} around @param {number} [chosen] */
  paint(look, active, describe, around, chosen) {
    for (const wire of this.wires) {
      const seen = look(wire)
      wire.line.style.stroke = seen?.line ?? ""
      const least = wire.line.classList.contains("gw-memory") ? 4 : 1.5
      wire.line.style.strokeWidth = seen ? `${least + 4 * seen.share}px` : ""
    }
    for (const node of this.nodes) {
      const seen = look(node)
      node.shape.style.fill = seen?.color ?? ""
      node.text.style.fill = seen?.ink ?? ""
      node.group.classList.toggle("gw-active", active.has(node.signal) && node.kind !== "new")
      node.group.classList.toggle("gw-chosen", chosen === node.id)
      node.group.setAttribute("aria-label", describe(node))
    }
    this.before.textContent = around[0]
    this.word.textContent = around[1]
    this.after.textContent = around[2]
  }
}
