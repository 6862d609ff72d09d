// Two small figures to move: an exploding gradient and its clipping, and dropout between layers.
import { dress, make } from "../page/dom.js"
import { hold } from "../page/hold.js"
import { number, percent } from "../page/numbers.js"
import { tr } from "../page/words.js"
import { FROM, TO, error, steps } from "./clipping.js"
import { LAYERS, arrives } from "./dropout.js"

const SVG = "http://www.w3.org/2000/svg"
const [WIDTH, HEIGHT] = [320, 150]
const RATE = 1

export default hold((parent) => new Moved(parent))

/** @param {string} tag @param {Record<string, string | number>} attributes @param {(Node | string)[]} children */
function draw(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value))
  node.append(...children)
  return node
}

// A slider with what it is called, what it says and what it does.
/** @param {string} test @param {string} label @param {[number, number, number, number]} range low, high, step, at
 * @param {() => void} moved */
function slider(test, label, [min, max, step, value], moved) {
  const input = make("input", { type: "range", min, max, step, value, test, oninput: moved })
  const said = make("output")
  return { input, said, root: make("label", {}, make("span", { text: label }), input, said) }
}

export class Moved {
  /** @param {HTMLElement} parent */
  constructor(parent) {
    dress(parent, "moved.css", import.meta.url)
    this.root = make("div", { class: "gv", test: "gv" }, this.clipping(), this.dropout())
    parent.append(this.root)
  }

  take() {}

  close() {
    this.root.remove()
  }

  clipping() {
    const weight = slider("gv-weight", tr("weight w"), [FROM, TO, 0.01, 4.8], () => show())
    const most = slider("gv-most", tr("clip the gradient to"), [-2, 3.5, 0.25, -1], () => show())
    const picture = make("div", {})
    const said = make("p", { test: "gv-clipped", role: "status" })
    const [bottom, top] = [HEIGHT - 24, 8]
    const x = (/** @type {number} */ w) => 40 + ((w - FROM) / (TO - FROM)) * (WIDTH - 50)
    const y = (/** @type {number} */ e) => bottom - (e / 0.4) * (bottom - top)
    const places = Array.from({ length: 401 }, (_, k) => FROM + ((TO - FROM) * k) / 400)
    const line = `M${places.map((w) => `${x(w).toFixed(1)} ${y(error(w).error).toFixed(1)}`).join("L")}`
    const show = () => {
      const [w, limit] = [Number(weight.input.value), 10 ** Number(most.input.value)]
      const found = steps(w, RATE, limit)
      weight.said.textContent = number(w)
      most.said.textContent = limit < 1 ? number(limit) : number(limit, 0)
      const at = Math.max(FROM, Math.min(TO, found.clipped))
      const values = {
        gradient: number(found.gradient, Math.abs(found.gradient) < 100 ? 3 : 0),
        plain: number(found.plain, Math.abs(found.plain) < 100 ? 2 : 0),
        clipped: number(found.clipped, Math.abs(found.clipped) < 100 ? 2 : 0),
      }
      said.textContent = tr(
        "Gradient {gradient}: a step of gradient descent at rate 1 leads to w = {plain}, clipped to w = {clipped}.",
        values,
      )
      const axis = draw("path", { d: `M40 ${top}V${bottom}H${WIDTH - 10}`, class: "gv-axis" })
      const marks = [
        draw("path", { d: line, class: "gv-line" }),
        draw("path", { d: `M${x(w)} ${top}V${bottom}`, class: "gv-here" }),
        draw("circle", { cx: x(w), cy: y(error(w).error), r: 5, class: "gv-dot" }),
        draw("circle", { cx: x(at), cy: y(error(at).error), r: 5, class: "gv-next" }),
      ]
      const names = [
        draw("text", { x: WIDTH - 10, y: HEIGHT - 6, "text-anchor": "end" }, tr("weight w")),
        draw("text", { x: 40, y: HEIGHT - 6 }, String(FROM)),
        draw("text", { x: 36, y: 16, "text-anchor": "end" }, tr("error")),
      ]
      const alt = { role: "img", "aria-label": said.textContent }
      picture.replaceChildren(draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, ...alt }, axis, ...marks, ...names))
    }
    show()
    return make(
      "section",
      { class: "gv-figure", test: "gv-clipping" },
      make("h3", { text: tr("A gradient that explodes, and its clipping") }),
      make("p", {
        text: tr(
          "A network of one unit reads nothing for 50 steps, x = w σ(x) − 2.4 at each, and is to end at σ(x) = 0.7. Its error has a wall: beside it the gradient is small, on it larger than 2,000. A step from there throws the weight out of the picture; clipped, it stays near. Filled: where the weight is. Hollow: where the clipped step leads. (Pascanu, Mikolov & Bengio 2013)",
        ),
      }),
      picture,
      weight.root,
      most.root,
      said,
    )
  }

  dropout() {
    const rate = slider("gv-rate", tr("dropout"), [0, 0.9, 0.05, 0.3], () => show())
    const back = slider("gv-back", tr("steps back"), [1, 50, 1, 20], () => show())
    const along = make("input", { type: "checkbox", test: "gv-along", onchange: () => show() })
    const picture = make("div", {})
    const said = make("p", { test: "gv-arrives", role: "status" })
    const show = () => {
      const [p, n] = [Number(rate.input.value), Number(back.input.value)]
      const [between, both] = [arrives(p, n, false), arrives(p, n, true)]
      rate.said.textContent = percent(p)
      back.said.textContent = String(n)
      said.textContent = tr(
        "What was read {steps} steps ago passes {few} dropouts on its way to the output, and {share} of it arrives. With dropout along time as well it would pass {many}, and {less} would arrive.",
        { steps: n, few: between.passed, share: percent(between.share), many: both.passed, less: percent(both.share) },
      )
      const alt = { role: "img", "aria-label": said.textContent }
      const columns = Math.min(n, 9) + 1
      const x = (/** @type {number} */ k) => 40 + ((WIDTH - 80) * k) / 9
      const y = (/** @type {number} */ level) => HEIGHT - 20 - (level * (HEIGHT - 40)) / (LAYERS + 1)
      const parts = []
      const levels = Array.from({ length: LAYERS + 1 }, (_, k) => k)
      const arrow = (/** @type {number[]} */ [a, b, c, d], /** @type {boolean} */ drops, /** @type {boolean} */ way) =>
        parts.push(
          draw("path", {
            d: `M${a} ${b}L${c} ${d}`,
            class: `gv-arrow${drops ? " gv-drops" : ""}${way ? " gv-way" : ""}`,
          }),
        )
      for (let k = 0; k < columns; k++) {
        const last = k === columns - 1
        for (const level of levels) arrow([x(k), y(level), x(k), y(level + 1)], true, level === 0 ? k === 0 : last)
        if (!last)
          for (const level of levels.slice(1)) arrow([x(k), y(level), x(k + 1), y(level)], along.checked, level === 1)
      }
      for (let k = 0; k < columns; k++)
        for (const level of levels.slice(1))
          parts.push(draw("circle", { cx: x(k), cy: y(level), r: 7, class: "gv-unit" }))
      picture.replaceChildren(draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, ...alt }, ...parts))
    }
    show()
    return make(
      "section",
      { class: "gv-figure", test: "gv-dropout" },
      make("h3", { text: tr("Dropout between layers, not along time") }),
      make("p", {
        text: tr(
          "Two layers over time, input below, output above. Dropout cuts a share of the dashed connections in training. Between layers every word passes it three times, however long ago it was read; along time it would pass it once more at every step, and the memory would be gone. (Zaremba, Sutskever & Vinyals 2014)",
        ),
      }),
      picture,
      rate.root,
      back.root,
      make("label", {}, along, make("span", { text: tr("along time as well") })),
      said,
    )
  }
}
