// Numbers as the page writes them.
import { tr } from "./words.js"

/** @type {(value: number, low: number, high: number) => number} */
export const clamp = (value, low, high) => Math.max(low, Math.min(high, value))

/** @type {(text: string) => string} */
export const minus = (text) => text.replaceAll("-", "−")

// Two digits behind the point, from 10 on one; as many as a formula needs where they are given.
/** @type {(value: number, digits?: number) => string} */
export function number(value, digits = Math.abs(value) >= 9.995 ? 1 : 2) {
  const text = value.toFixed(digits)
  return Number(text) === 0 ? text.replace("-", "") : minus(text)
}

// How many digits tell the values of a line apart that stays so small that two would call them all 0; else undefined.
/** @param {Iterable<number>} values */
export function digits(values) {
  let most = 0
  for (const value of values) if (Math.abs(value) > most) most = Math.abs(value)
  return most > 0 && most < 0.05 ? Math.min(8, 1 - Math.floor(Math.log10(most))) : undefined
}

// A language may do without the space.
/** @type {(said: string | number) => string} */
export const perCent = (said) => tr("{percent} %", { percent: said })

// A share in per cent, without the sign: 42, 0.4, 99.6, never so that a part seems to be all or nothing. The rule of
// lstm_core/drawing/panel.py.
/** @type {(p: number) => string} */
export function share(p) {
  if (p > 0 && p < 0.0005) return "<0.1"
  if (p >= 0.9995 && p < 1) return ">99.9"
  return (100 * p).toFixed((p > 0 && p < 0.0995) || (p >= 0.995 && p < 1) ? 1 : 0)
}

/** @type {(p: number) => string} */
export const percent = (p) => perCent(share(p))
