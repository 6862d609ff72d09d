// One stage of the walk: what is decided at this step, as formulas with this step's numbers.
import { make } from "../page/dom.js"
import { number } from "../page/numbers.js"
import { list, tr } from "../page/words.js"
import { expects, looks, without } from "./expects.js"
import { FUNCTIONS, equation, letters, lettered } from "./formula.js"
import { written } from "./notation.js"
import { curve, drawable } from "./pictures.js"
import { pushes } from "./pushes.js"

/** @import { Moment } from "./moment.js" */
/** @import { Operation, Signal, Tree } from "./types.d.ts" */

/** @param {Moment} here @returns {HTMLElement[]} */
export function stage(here) {
  const { walk, k, stage } = here
  if (!stage) return [make("p", { class: "gw-text gw-none", text: nothing(here) })]
  const parts = [make("p", { class: "gw-text", text: stage.text })]
  if (stage.shows === "looks") return [...parts, ...looks(here)]
  if (stage.shows === "expects") return [...parts, ...expects(here)]
  if (here.asks) parts.push(walk.exercise.question(here, stage.signals[0], () => walk.render()))
  const seen = stage.signals.filter((name) => !here.hidden.has(name))
  parts.push(...seen.map((name) => (walk.all ? vector(here, name) : scalar(here, name))))
  const text = walk.exercise.on && walk.exercise.verdicts[k]
  if (text) parts.unshift(make("p", { class: "gw-verdict", role: "status", test: `gw-verdict-${k}`, text }))
  return parts
}

// What to say where the cell has no such stage.
/** @param {Moment} here */
function nothing({ walk, side }) {
  const name = walk.names[walk.stage]
  const shows = walk.content?.behind[name]
  if (shows) return without(side, shows)
  const share = side.derived[name]?.replace("-", "−")
  return share
    ? tr("The {cell} has no gate of its own for this: the share is {share}.", { cell: side.title, share })
    : tr("Nothing is decided here: the {cell} has no such gate.", { cell: side.title })
}

/** @param {Moment} here @param {string} name */
function headed({ side, style }, name) {
  const [base, index] = lettered(style.name(name))
  const italic = make("i", { text: base }, make("sub", { text: index }))
  const meaning = make("p", { class: "gw-meaning" }, italic, ` ${side.signals[name].meaning}`)
  return make("div", { class: "gw-equation", "data-signal": name }, meaning)
}

// A signal of one unit.
/** @param {Moment} here @param {string} name */
function scalar(here, name) {
  const { side, style } = here
  const signal = side.signals[name]
  const value = here.signal(name)
  const { tree } = side.equations[name]
  const box = headed(here, name)
  box.append(
    equation(name, tree, letters, style),
    equation(name, tree, (node) => here.leaf(node), style, value),
    gauge(here, signal, value),
  )
  const net = drawable(tree) ? here.value(/** @type {number} */ (tree.a[0].v)) : undefined
  if (net !== undefined && tree.o) {
    const values = { name: FUNCTIONS[tree.o] ?? tree.o, net: number(net, 2), value: number(value, 2) }
    box.append(curve(tree.o, net, value, tr("The curve of {name}: at {net} it is {value}.", values)))
  }
  box.append(...blocks(here, tree))
  if (side.equations[name].pushes.length) box.append(pushes(here, name))
  return box
}

// The essays' one matrix is two: which, for what, and how large.
/** @param {Moment} here @param {Tree} tree */
function blocks({ side, style }, tree) {
  return style.blocks(style.tree(tree)).map((product) => {
    const [matrix, read] = product.a
    const reads = /** @type {Operation} */ (read).a
    const parts = product.blocks.map((block, k) => {
      const input = reads[k].s === "x"
      const below = side.layer ? `${style.name(side.output)} ℓ−1` : "x"
      const source = input ? below : written(reads[k], style).replace("prev_", "")
      const columns = input ? side.inputs : side.hidden
      return tr("{block} for {source} ({rows} × {columns})", { block, source, rows: side.hidden, columns })
    })
    const values = { matrix: style.weight((matrix.s ?? "").slice(2)), blocks: list(parts) }
    const text = tr("{matrix} is two blocks side by side, in PyTorch’s letters {blocks}.", values)
    return make("p", { class: "gw-meaning", text })
  })
}

// Where a value lies between the least and the most that there is.
/** @param {Moment} here @param {Signal} signal @param {number} value */
function gauge(here, signal, value) {
  const gate = signal.kind === "gate"
  const most = gate ? 1 : Math.max(1, here.largest(signal.value))
  const share = Math.abs(value) / most
  const fill = make("span", {
    class: "gw-bar-fill",
    style: {
      left: gate ? "0" : `${50 + Math.min(0, (50 * value) / most)}%`,
      width: `${(gate ? 100 : 50) * share}%`,
      background: gate ? here.color("gate", 0.45 + 0.55 * value) : here.barColor(value),
    },
  })
  const [low, high] = [gate ? "0" : number(-most, 2), gate ? "1" : number(most, 2)]
  const says = tr("{value} between {low} and {high}", { value: number(value, 2), low, high: number(most, 2) })
  return make(
    "div",
    { class: `gw-bar${gate ? "" : " gw-signed"}`, role: "img", "aria-label": says },
    make("span", { class: "gw-end-label", text: low }),
    make("span", { class: "gw-track" }, fill),
    make("span", { class: "gw-end-label", text: high }),
  )
}

// A signal of all units, a cell each.
/** @param {Moment} here @param {string} name */
function vector(here, name) {
  const { side, k, walk } = here
  const { kind, value: place } = side.signals[name]
  const row = here.row(place)
  const most = kind === "gate" ? 1 : here.largest(place)
  const cells = Array.from(row, (v, unit) => {
    const values = { name: here.unitName(unit), value: number(v, 2) }
    return make("button", {
      type: "button",
      class: `gw-cell${unit === here.unit ? " gw-here" : ""}`,
      title: tr("{name}: {value}", values),
      "aria-label": tr("{name}, {value}", values),
      style: { background: here.cellColor(kind, v, most) },
      onclick: () => walk.pickUnit(k, unit),
    })
  })
  const box = headed(here, name)
  const written = equation(name, side.equations[name].tree, letters, here.style)
  box.append(written, make("div", { class: "gw-vector" }, ...cells))
  return box
}
