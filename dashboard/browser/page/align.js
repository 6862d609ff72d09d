// Steps, words and what lies between two models that cut the same text differently.
import { clamp } from "./numbers.js"

/** @import { Read, Word } from "../types.d.ts" */

/** @type {(side: { words: Word[] }) => number} */
export const stepCount = ({ words }) => (words.at(-1)?.[2] ?? -1) + 1

/** @type {(side: { words: Word[] }, step: number) => Word} */
export function wordAt({ words }, step) {
  return words.find(([, first, last]) => first <= step && step <= last) ?? ["", 0, 0, 1]
}

// Whether a step reads what was written: before the text the end of another one may be read.
/** @type {(side: Read, step: number) => boolean} */
export const ofText = ({ ends }, step) => ends[step] !== 0

/** @type {(one: Read, other: Read) => boolean} */
const alike = (one, other) => !one.ends.length || !other.ends.length || one.ends.length === other.ends.length

// The step at which side k has read as far as the left side after `step`.
/** @type {(sides: Read[], k: number, step: number) => number} */
export function toSide(sides, k, step) {
  if (k === 0) return step
  const [left, side] = [sides[0], sides[k]]
  if (alike(left, side)) return clamp(step, 0, stepCount(side) - 1)
  let last = 0
  for (let t = 0; t < side.ends.length && side.ends[t] <= left.ends[step]; t++) last = t
  return last
}

// The left side's step for a step of side k.
/** @type {(sides: Read[], k: number, step: number) => number} */
export function fromSide(sides, k, step) {
  if (k === 0) return step
  const [left, side] = [sides[0], sides[k]]
  const last = stepCount(left) - 1
  if (alike(left, side)) return clamp(step, 0, last)
  const first = left.ends.findIndex((end) => end >= side.ends[step])
  return first < 0 ? last : first
}
