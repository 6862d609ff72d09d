// What things are called wherever they are spoken of.
import { quotes, tr } from "./words.js"

/** @import { Named } from "../types.d.ts" */

/** @type {(text: string) => string} */
export const quoted = (text) => (quotes(text) ? `‘${text}’` : `“${text}”`)

/** @type {(side: { named: Named[] }, unit: number) => string} */
export function unitName(side, unit) {
  const named = side.named.find((one) => one.unit === unit)
  return named ? tr("{name} (unit {unit})", { name: named.name, unit }) : tr("unit {unit}", { unit })
}

const END = "↵" // of a line or of a text; some models read it before every text

// What is said of a word where the pointer rests on it.
/** @type {(text: string, known: number) => string} */
export function wordTitle(text, known) {
  if (text === END) return tr("↵: the end of a line or a text. A model that has read whole texts reads it before each.")
  return known ? text : tr("{text}: not in the vocabulary, read as <unk>", { text })
}
