// What stands beside the grid: both models' likeliest next words and the chosen units' values, at the cursor.
import { wordAt } from "../page/align.js"
import { make } from "../page/dom.js"
import { digits, number, percent } from "../page/numbers.js"
import { unitName } from "../page/naming.js"
import { tr } from "../page/words.js"
import { called, meant } from "./clauses.js"

/** @import { Named, Row } from "../types.d.ts" */
/** @import { DrawnLine, Side } from "./types.d.ts" */

/** A signal's value, and what its unit means where it has a name.
 * @typedef {{ node: HTMLElement, values: Row, named: Named | undefined, digits?: number }} Cell */
/** @typedef {ReturnType<typeof build>} Parts */

const ORDER = ["keep", "write", "reset", "expose", "candidate", "cell", "hidden"]

/** @param {HTMLElement} root @param {number} count of sides */
export function build(root, count) {
  const at = make("div", { class: "gs-at", dir: "auto" })
  root.replaceChildren(at)
  const sides = Array.from({ length: count }, (_, k) => {
    const bars = Array.from({ length: 5 }, () => {
      const word = make("span", { class: "gs-bar-word", dir: "auto" })
      const fill = make("span", { class: "gs-bar-fill" })
      const value = make("span", { class: "gs-bar-value" })
      const row = make("div", { class: "gs-bar" }, word, make("span", { class: "gs-bar-track" }, fill), value)
      return { word, fill, value, row }
    })
    const title = make("div", { class: "gs-next-title" })
    const why = make("p", { class: "gs-why" })
    const unit = make("div", { class: "gs-unit-title" })
    const values = make("dl", { class: "gs-values" })
    root.append(make("section", { test: `gs-next-${k}` }, title, why, ...bars.map((bar) => bar.row), unit, values))
    return { bars, title, why, unit, values, cells: /** @type {Cell[]} */ ([]) }
  })
  return { at, sides }
}

/** @param {Parts} parts @param {Side[]} sides @param {number[]} units @param {DrawnLine[]} lines */
export function names(parts, sides, units, lines) {
  parts.sides.forEach((part, k) => {
    part.title.textContent = tr("{title} expects next", { title: called(sides, k) })
    part.title.hidden = !sides[k].next.words.length && !sides[k].next.why // nothing is said of next words
    part.why.textContent = sides[k].next.why ?? ""
    part.unit.textContent = unitName(sides[k], units[k])
    const own = lines
      .filter((line) => line.meta.side === k)
      .sort((a, b) => ORDER.indexOf(a.meta.role) - ORDER.indexOf(b.meta.role))
    part.unit.hidden = !own.length // of one row alone there are no lines, and no values to stand below it
    const held = sides[k].named.find((one) => one.unit === units[k] && one.high)
    part.cells = own.map(({ values, meta }) => {
      const named = meta.signal === sides[k].memory ? held : undefined
      return { node: make("dd", named ? { class: "gs-meant" } : {}), values, named, digits: digits(values) }
    })
    const terms = own.map(({ line, meta }) =>
      make("dt", {}, make("i", { style: { background: line.color } }), meta.signal.replace("-", "−")),
    )
    part.values.replaceChildren(...terms.flatMap((term, n) => [term, part.cells[n].node]))
  })
}

/** @param {Parts} parts @param {Side[]} sides @param {number[]} steps @param {number} at @param {number} count */
export function update(parts, sides, steps, at, count) {
  const [text, , , known] = wordAt(sides[0], at)
  const piece = sides[0].pieces[at]
  const place = { at: at + 1, count, piece: known ? piece : "<unk>" }
  const read = known && !piece ? tr("{at} of {count}", place) : tr("{at} of {count}, read as {piece}", place)
  parts.at.replaceChildren(make("strong", { text, dir: "auto" }), make("span", { text: read }))
  parts.sides.forEach((part, k) => {
    const { words, ids, p, unknown } = sides[k].next
    const here = Array.from(ids[steps[k]] ?? []).filter((id) => id >= 0) // of some there are fewer
    part.bars.forEach((bar, rank) => {
      bar.row.hidden = rank >= here.length
      if (bar.row.hidden) return
      const share = p[steps[k]][rank]
      bar.word.textContent = words[here[rank]]
      bar.word.classList.toggle("gs-bar-unknown", here[rank] === unknown)
      bar.fill.style.transform = `scaleX(${share})`
      bar.value.textContent = percent(share)
    })
    for (const { node, values, named, digits } of part.cells) {
      const [value, end] = [number(values[steps[k]], digits), named ? meant(named, steps[k]) : ""]
      node.textContent = end ? tr("{value}: {end}", { value, end }) : value
    }
  })
}
