// The largest contributions to W x + U h + b: which word, which hidden units pushed this gate open or shut.
import { make } from "../page/dom.js"
import { number } from "../page/numbers.js"
import { tr } from "../page/words.js"

/** @import { Moment } from "./moment.js" */
/** @import { Push } from "./types.d.ts" */
/** @typedef {[label: string, value: number]} Part */

const MOST = 4 // units of a product

// Parts that add up to something: the largest in size, largest first, and what all others make.
/** @type {<Label>(parts: [Label, number][], count: number) => [[Label, number][], number]} */
export function largest(parts, count) {
  const sorted = [...parts].sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]))
  return [sorted.slice(0, count), sorted.slice(count).reduce((sum, [, value]) => sum + value, 0)]
}

/** @type {(color: string, share: number, signed?: boolean) => HTMLElement} */
export function bar(color, share, signed = false) {
  const left = signed ? 50 + Math.min(0, 50 * share) : 0
  const style = { left: `${left}%`, width: `${(signed ? 50 : 100) * Math.abs(share)}%`, background: color }
  return make("span", { class: `gw-track${signed ? " gw-middle" : ""}` }, make("span", { class: "gw-bar-fill", style }))
}

/** @type {(label: string, drawn: HTMLElement, value: number) => HTMLElement} */
export const line = (label, drawn, value) =>
  make(
    "div",
    { class: "gw-push" },
    make("span", { text: label, dir: "auto", title: label }),
    drawn,
    make("span", { class: "gw-number", text: number(value, 2) }),
  )

// Signed parts as bars from the middle, the longest over half of the track.
/** @param {Moment} here @param {Part[]} parts */
export function lines(here, parts) {
  const most = Math.max(...parts.map(([, value]) => Math.abs(value)), 1e-9)
  return parts.map(([label, value]) => line(label, bar(here.barColor(value), value / most, true), value))
}

/** @param {Moment} here @param {string} name of the signal */
export function pushes(here, name) {
  const { side, style } = here
  /** @type {Part[]} */
  const parts = []
  let rest = 0
  for (const push of side.equations[name].pushes) {
    const [some, others] = partsOf(here, push)
    parts.push(...some)
    rest += others
  }
  parts.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]))
  if (rest) parts.push([tr("all other units"), rest])
  const signal = style.name(name)
  const says =
    side.signals[name].kind === "gate"
      ? tr("What pushed {signal} open (right) or shut (left)", { signal })
      : tr("What pushed {signal} up (right) or down (left)", { signal })
  return make("details", { class: "gw-pushes", open: "" }, make("summary", { text: says }), ...lines(here, parts))
}

/** @param {Moment} here @param {Push} push @returns {[Part[], number]} */
function partsOf(here, push) {
  const { side, style, unit, at } = here
  const total = here.value(push.value) ?? 0
  if (push.label) return [[[push.label, total]], 0]
  if (push.bias) return [[[tr("bias {name}", { name: style.weight(push.bias) }), total]], 0]
  const { matrix = "", source } = push
  if (!source || !side.sources[source]) return [[[source === "x" ? here.read() : style.weight(matrix), total]], 0]
  const weights = side.matrices[matrix][unit]
  const [some, rest] = largest(
    Array.from(side.sources[source][at], (value, j) => [j, weights[j] * value]),
    MOST,
  )
  return [some.map(([j, value]) => [here.sourceName(source, j), value]), rest]
}
