// What the figure shows, in words, from its numbers: the line above the grid and the text alternative.
import { stepCount, wordAt } from "./align.js"
import { number, percent, unitName } from "./readout.js"
import { list, tr } from "./words.js"

// Where the memory of the unit is dropped: the steps at which its keeping gate closes most.
export function unit(side, chosen, keep, label) {
  const name = tr("{title}’s {unit}", { title: side.title, unit: unitName(side, chosen) })
  const steps = stepCount(side)
  if (!keep || steps < 2) return `${name}.`
  const low = Array.from({ length: steps - 1 }, (_, k) => k + 1).sort((a, b) => keep[a] - keep[b])
  const gone = low.filter((t) => keep[t] < 0.5).slice(0, 3).sort((a, b) => a - b)
  if (!gone.length) return tr("{name} holds on: {label} never falls below {value}.", { name, label, value: number(keep[low[0]]) })
  const places = gone.map((t) => tr("“{word}” ({label} = {value})", { word: wordAt(side, t)[0], label, value: number(keep[t]) }))
  return tr("{name} lets go at {places}.", { name, places: list(places) })
}

// What each model expects after the word at the cursor.
export function expectation(sides, steps) {
  const said = sides.map((side, k) => {
    const ids = side.next.ids[steps[k]]
    const [word, p] = [side.next.words[ids?.[0]], ids?.length ? percent(side.next.p[steps[k]][0]) : ""]
    return ids?.length ? tr("{title} expects “{word}” ({p})", { title: side.title, word, p }) : ""
  })
  const comma = tr(", ")
  return said.some(Boolean) ? tr("After “{word}”, {said}.", { word: wordAt(sides[0], steps[0])[0], said: said.filter(Boolean).join(comma) }) : ""
}
