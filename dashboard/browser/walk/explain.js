// A node that was clicked: its value, its formula and what it means.
import { make } from "../page/dom.js"
import { number } from "../page/numbers.js"
import { tr } from "../page/words.js"
import { equation, letters } from "./formula.js"
import { kinds, lower } from "./look.js"

/** @import { Moment } from "./moment.js" */
/** @import { Node } from "./types.d.ts" */

/** @param {Moment} here @param {Node} node @param {() => void} leave @returns {HTMLElement[]} */
export function explain(here, node, leave) {
  const { side, unit, style } = here
  const value = here.value(node.value)
  const signal = node.signal ? side.signals[node.signal] : undefined
  const meaning = signal?.meaning ?? does(here, node)
  const kind = kinds()[signal?.kind ?? node.kind]
  const title = node.signal && signal ? tr("{signal}, {kind}", { signal: style.name(node.signal), kind }) : kind
  /** @type {HTMLElement[]} */
  const parts = [
    make("h3", { text: title }),
    make("p", {
      class: "gw-text",
      text: tr("{meaning}.", { meaning: `${meaning[0].toUpperCase()}${meaning.slice(1)}` }),
    }),
  ]
  const shown = value !== undefined && !here.veils(node.signal, node.kind === "old")
  if (node.formula.o) {
    const name = node.signal ?? tr("value")
    const lines = make("div", { class: "gw-equation" }, equation(name, node.formula, letters, style))
    if (shown) lines.append(equation(name, node.formula, (tree) => here.leaf(tree), style, value))
    parts.push(lines)
  } else if (shown) {
    parts.push(
      make("p", { class: "gw-text", text: tr("Value for unit {unit}: {value}", { unit, value: number(value, 2) }) }),
    )
  }
  parts.push(make("button", { type: "button", class: "gw-button", text: tr("Back to the stage"), onclick: leave }))
  return parts
}

/** @param {Moment} here @param {Node} node @returns {string} */
function does(here, node) {
  const { side } = here
  const input = () => {
    if (side.layer) return tr("the {state} of the layer below", { state: side.output })
    if (!side.embedded) return here.read()
    return tr("{word}, as the numbers of its embedding", { word: here.read() })
  }
  /** @type {Record<string, () => string>} */
  const meanings = {
    old: () => lower(node) ?? tr("what the step before left in {state}", { state: node.label }),
    input,
    product: () => tr("multiplies what comes in, unit by unit"),
    sum: () => tr("adds what comes in, unit by unit"),
    layer: () => tr("a layer of its own weights: matrix products and a bias"),
    function: () => tr("applied to each unit by itself"),
    difference: () => tr("subtracts, unit by unit"),
    quotient: () => tr("divides, unit by unit"),
  }
  return meanings[node.kind]()
}
