// Numbers as the page writes them.
import { tr } from "./words.js"

/** @type {(value: number, low: number, high: number) => number} */
export const clamp = (value, low, high) => Math.max(low, Math.min(high, value))

/** @type {(text: string) => string} */
export const minus = (text) => text.replaceAll("-", "−")

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"

// "2.1×10¹²"
/** @type {(value: number) => string} */
function powered(value) {
  if (!Number.isFinite(value)) return minus(String(value).replace("Infinity", "∞"))
  const [digits, power] = value.toExponential(1).split("e+")
  const ten = `10${power.replace(/\d/g, (digit) => RAISED[Number(digit)])}`
  return digits === "1.0" ? ten : `${minus(digits)}×${ten}`
}

// Two digits behind the point, from 10 on one; as many as a formula needs where they are given; an exact half away from
// 0; by a power of ten from 1e7 on. The rule of lstm_core/drawing/panel.py.
/** @type {(value: number, digits?: number) => string} */
export function number(value, digits = Math.abs(value) >= 9.995 ? 1 : 2) {
  if (!(Math.abs(value) < 1e7)) return powered(value)
  const text = value.toFixed(digits)
  return Number(text) === 0 ? text.replace("-", "") : minus(text)
}

// How many digits tell the values of a line apart that stays so small that two would call them all 0; else undefined.
/** @param {Iterable<number>} values */
export function digits(values) {
  let most = 0
  for (const value of values) if (Math.abs(value) > most) most = Math.abs(value)
  return most > 0 && most < 0.05 ? Math.min(8, 1 - Number(most.toExponential(1).split("e")[1])) : undefined
}

// A language may do without the space.
/** @type {(said: string | number) => string} */
export const perCent = (said) => tr("{percent} %", { percent: said })

// A share in per cent, without the sign: 42, 0.4, 99.6, never so that a part seems to be all or nothing. The rule of
// lstm_core/drawing/panel.py.
/** @type {(p: number) => string} */
export function share(p) {
  const hundredths = 100 * p
  if (hundredths > 0 && hundredths < 0.05) return "≈0"
  if (hundredths >= 99.95 && p < 1) return "≈100"
  const decimal = (hundredths > 0 && hundredths < 9.95) || (hundredths >= 99.5 && hundredths < 100)
  return number(hundredths, decimal ? 1 : 0)
}

/** @type {(p: number) => string} */
export const percent = (p) => perCent(share(p))
