// The repeating module, unrolled over the sentence: what the memory carries from step to step.
import { clamp, digits, number } from "../page/numbers.js"
import { list, tr } from "../page/words.js"
import { svg } from "./drawing.js"
import { beneath } from "./text.js"

/** @import { Moment } from "./moment.js" */
/** @import { Panel } from "./panel.js" */

const HEIGHT = 74

/** @param {Panel} panel @param {Moment} here @param {(step: number) => void} go */
export function chain(panel, here, go) {
  const { side, at, walk } = here
  const width = panel.root.clientWidth
  if (!width) return
  const pitch = Math.max(58, Math.min(110, width / side.tokens.length))
  const seen = Math.max(1, Math.floor(width / pitch))
  const from = clamp(at - Math.floor(seen / 2), 0, Math.max(0, side.tokens.length - seen))
  const place = side.signals[side.memory].value
  const most = here.largest(place)
  /** @type {(step: number) => number} */
  const size = (step) =>
    walk.all ? Math.hypot(...here.row(place, step)) / Math.sqrt(side.hidden) : (here.value(place, here.unit, step) ?? 0)
  const small = digits(Array.from(side.tokens, (_, step) => size(step)))
  const children = []
  const told = []
  for (let step = from; step < Math.min(from + seen, side.tokens.length); step++) {
    const x = (step - from) * pitch
    const known = here.knows(step)
    const value = size(step)
    const says = known ? number(value, small ?? 2) : "?"
    const share = Math.abs(value) / most
    const color = here.color("signed", 0.5 + 0.5 * Math.sign(value) * (0.25 + 0.75 * share))
    const [x1, x2] = side.backward ? [x - pitch / 2, x + pitch / 2] : [x + pitch / 2, x + (3 * pitch) / 2]
    const mark = step === at ? " gw-here" : ""
    children.unshift(
      svg("rect", { class: `gw-module${mark}`, x: x + pitch * 0.14, y: 4, width: pitch * 0.72, height: 44, rx: 6 }),
    )
    children.push(
      svg("line", {
        class: "gw-carried",
        ...{ x1, x2, y1: 16, y2: 16 },
        "stroke-width": (known ? 1.5 + 10 * share : 1).toFixed(2),
        stroke: known ? color : "currentColor",
      }),
      svg(
        "text",
        { x: x + pitch / 2, y: 66, class: mark.trim() },
        beneath(side, step, Math.max(3, Math.floor(pitch / 8))),
      ),
      svg("text", { x: x + pitch / 2, y: 40, class: "gw-figure" }, says),
      hit(x, pitch, () => go(step)),
    )
    told.push(tr("{word} {value}", { word: here.word(step), value: says }))
  }
  const values = { state: here.style.name(side.memory), unit: here.unitName() }
  const about = walk.all
    ? tr("{state} carried from step to step, the usual size over all units", values)
    : tr("{state} of {unit}, carried from step to step", values)
  panel.carried.textContent = about
  panel.strip.setAttribute("width", String(width))
  panel.strip.setAttribute("height", String(HEIGHT))
  panel.strip.setAttribute("role", "img")
  panel.strip.setAttribute("aria-label", tr("{about}: {values}.", { about, values: list(told) }))
  panel.strip.replaceChildren(...children)
}

/** @param {number} x @param {number} width @param {() => void} go */
function hit(x, width, go) {
  const node = svg("rect", { class: "gw-hit", x, y: 0, width, height: HEIGHT - 2 })
  node.addEventListener("click", go)
  return node
}
