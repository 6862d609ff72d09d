// How a node or a wire of the drawing looks at a moment, and what is said of it.
import { number } from "../page/numbers.js"
import { tr } from "../page/words.js"
import { inkOn } from "./scale.js"

/** @import { Moment } from "./moment.js" */
/** @import { Node, Tree, Wire } from "./types.d.ts" */

/** What a signal or a node of the drawing is. @type {() => Record<string, string>} */
export const kinds = () => ({
  gate: tr("gate"),
  candidate: tr("candidate"),
  state: tr("state"),
  output: tr("output"),
  layer: tr("layer"),
  function: tr("function"),
  product: tr("product"),
  sum: tr("sum"),
  difference: tr("difference"),
  quotient: tr("quotient"),
  old: tr("old"),
  input: tr("input"),
})

/** @param {Moment} here @param {Node | Wire} item @returns {string | null | undefined} */
function signalOf({ side }, item) {
  if ("signal" in item) return item.signal
  return side.diagram.nodes.find((node) => node.id === /** @type {Wire} */ (item).from)?.signal
}

// The colours and the width of what flows there; null where it is hidden or there is nothing.
/** @param {Moment} here @param {Node | Wire} item */
export function look(here, item) {
  const value = here.value(item.value)
  if (value === undefined || item.value === null) return null
  const name = signalOf(here, item)
  const old = "kind" in item && item.kind === "old"
  if (here.veils(name, old)) return null
  const gate = name && here.side.signals[name]?.kind === "gate"
  const most = gate ? 1 : here.largest(item.value)
  const share = Math.abs(value) / most
  const color = here.cellColor(gate ? "gate" : undefined, value, most)
  const strong = gate
    ? here.color("gate", 0.25 + 0.75 * value)
    : here.color("signed", 0.5 + 0.5 * Math.sign(value) * (0.3 + 0.7 * share))
  const line = !gate && share < 0.01 ? "" : strong // nothing flows: a grey wire, not one in the page's colour
  return { color, line, ink: inkOn(color), share: Math.min(1, share) }
}

/** @param {Moment} here @param {Node} node */
export function describe(here, node) {
  const value = here.value(node.value)
  const name = nodeName(here, node)
  const veiled = here.veils(node.signal, node.kind === "old")
  return value === undefined || veiled ? name : tr("{name}, {value}", { name, value: number(value, 2) })
}

/** @param {Moment} here @param {Node} node @returns {string} */
function nodeName({ side }, node) {
  if (node.signal) {
    return tr("{signal}: {meaning}", { signal: node.signal, meaning: side.signals[node.signal]?.meaning ?? "" })
  }
  if (node.kind === "old") return lower(node) ?? tr("{state}, from the step before", { state: node.label })
  if (node.kind === "input") return tr("what is read")
  const kind = plainName(node)
  const of = operands(side.diagram, node)
  return of.length ? tr("{kind} of {operands}", { kind, operands: of.reduce(row) }) : kind
}

/** @param {string} first @param {string} second */
const row = (first, second) => tr("{first}, {second}", { first, second })

// What a node without a letter does; a layer is told from others by its first weights.
/** @param {Node} node */
function plainName({ kind, formula }) {
  const weights = kind === "layer" ? firstWeights(formula) : undefined
  return weights ? tr("{kind} {weights}", { kind: kinds()[kind], weights }) : kinds()[kind]
}

/** @param {Tree} tree @returns {string | undefined} */
function firstWeights(tree) {
  if (tree?.s?.startsWith("p.")) return tree.s.slice(2)
  for (const part of tree?.a ?? []) {
    const found = firstWeights(part)
    if (found) return found
  }
}

// What comes into a node that has no letter of its own, as its formula has it: a difference is not the other way round.
/** @param {Moment["side"]["diagram"]} diagram @param {Node} node */
function operands({ nodes, wires }, node) {
  const from = wires.filter((wire) => wire.to === node.id).map((wire) => nodes.find(({ id }) => id === wire.from))
  const place = (/** @type {Node} */ one) => node.formula?.a?.findIndex((part) => is(part, one)) ?? 0
  return from
    .filter((one) => one !== undefined)
    .sort((one, other) => place(one) - place(other))
    .map(operand)
}

// Whether a part of a formula is what another node gives.
/** @param {Tree} part @param {Node} node */
function is(part, { signal, label, formula }) {
  return part.s ? [`v.${signal}`, `s.${label}`].includes(part.s) : JSON.stringify(part) === JSON.stringify(formula)
}

/** @param {Node} node */
function operand(node) {
  if (node.signal) return node.signal
  if (node.kind === "old") return lower(node) ?? tr("old {state}", { state: node.label })
  return node.kind === "input" ? node.label : plainName(node)
}

// What the layer below passes on at this step, which stands among the states of the step before.
/** @param {Node} node */
export function lower(node) {
  return node.label.startsWith("below_")
    ? tr("the {state} of the layer below", { state: node.label.slice(6) })
    : undefined
}
