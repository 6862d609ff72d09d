// @ts-nocheck
// What stands beside the grid: both models' likeliest next words and the chosen units' values, at the cursor.
import { wordAt } from "../page/align.js"
import { make } from "../page/dom.js"
import { number, percent } from "../page/numbers.js"
import { tr } from "../page/words.js"

const ORDER = ["keep", "write", "reset", "expose", "candidate", "cell", "hidden"]

// What a side is called: its cell, and its model where both have the same cell.
export function called(sides, k) {
  const { title, model } = sides[k]
  const alike = sides.some((other, n) => n !== k && other.title === title && other.model !== model)
  return alike ? tr("{title} ({model})", { title, model }) : title
}

export const DECIDED = 0.25 // how likely a word is that a model can be said to expect
const CLOSE = 3 / 7 // ... and the next word beside it that it cannot: .3 to .7 of the two is undecided

// What a named unit stands for at a step: the word of the end of its axis; nothing where it holds nothing.
export const meant = ({ side, high, low }, step) => ({ 1: high, [-1]: low })[side[step]] ?? ""

// The likeliest next word after a step, as a clause; nothing where nothing is predicted.
export function expects(sides, k, step) {
  const { ids, p, words, unknown } = sides[k].next
  const id = ids[step]?.[0]
  if (id === undefined) return ""
  const values = { title: called(sides, k), word: words[id], p: percent(p[step][0]) }
  if (p[step][0] < DECIDED && id === unknown)
    return tr("{title} is undecided, likeliest a word it does not know ({p})", values)
  if (p[step][0] < DECIDED) return tr("{title} is undecided, likeliest “{word}” ({p})", values)
  const second = p[step][1]
  const other = words[ids[step][1]]
  if (other !== undefined && second >= CLOSE * p[step][0] && id !== unknown && ids[step][1] !== unknown)
    return tr("{title} is undecided between “{word}” ({p}) and “{other}” ({q})", {
      ...values,
      other,
      q: percent(second),
    })
  return id === unknown
    ? tr("{title} expects a word it does not know ({p})", values)
    : tr("{title} expects “{word}” ({p})", values)
}

export function build(root, sides) {
  const parts = { at: make("div", { class: "gs-at", dir: "auto" }), sides: [] }
  root.replaceChildren(parts.at)
  sides.forEach((side, k) => {
    const bars = Array.from({ length: 5 }, () => {
      const bar = {
        word: make("span", { class: "gs-bar-word", dir: "auto" }),
        fill: make("span", { class: "gs-bar-fill" }),
        value: make("span", { class: "gs-bar-value" }),
      }
      bar.row = make("div", { class: "gs-bar" }, bar.word, make("span", { class: "gs-bar-track" }, bar.fill), bar.value)
      return bar
    })
    const title = make("div", { class: "gs-next-title" })
    const why = make("p", { class: "gs-why" })
    const unit = make("div", { class: "gs-unit-title" })
    const values = make("dl", { class: "gs-values" })
    root.append(make("section", { test: `gs-next-${k}` }, title, why, ...bars.map((bar) => bar.row), unit, values))
    parts.sides.push({ bars, title, why, unit, values, cells: [] })
  })
  return parts
}

export function names(parts, sides, units, lines) {
  parts.sides.forEach((part, k) => {
    part.title.textContent = tr("{title} expects next", { title: called(sides, k) })
    part.title.hidden = !sides[k].next.words.length && !sides[k].next.why // nothing is said of next words
    part.why.textContent = sides[k].next.why
    part.unit.textContent = unitName(sides[k], units[k])
    part.cells = lines
      .filter((line) => line.meta.side === k)
      .sort((a, b) => ORDER.indexOf(a.meta.role) - ORDER.indexOf(b.meta.role))
      .map((line) => {
        const cell = make("dd")
        cell.values = line.values
        cell.named =
          line.meta.signal === sides[k].memory && sides[k].named.find((one) => one.unit === units[k] && one.high)
        return [
          make("dt", {}, make("i", { style: { background: line.line.color } }), line.meta.signal.replace("-", "−")),
          cell,
        ]
      })
    part.values.replaceChildren(...part.cells.flat())
  })
}

export function unitName(side, unit) {
  const named = side.named.find((one) => one.unit === unit)
  return named ? tr("{name} (unit {unit})", named) : tr("unit {unit}", { unit })
}

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
    for (const [, cell] of part.cells) {
      const [value, end] = [number(cell.values[steps[k]]), cell.named ? meant(cell.named, steps[k]) : ""]
      cell.textContent = end ? tr("{value}: {end}", { value, end }) : value
    }
  })
}
