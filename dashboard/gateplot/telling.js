// What the figure shows, in words, from its numbers: the line above the grid and the text alternative.
import { stepCount, wordAt } from "./align.js"
import { number, percent, unitName } from "./readout.js"

// Where the memory of the unit is dropped: the steps at which its keeping gate closes most.
export function unit(side, chosen, keep, label) {
  const name = `${side.title}’s ${unitName(side, chosen)}`
  const steps = stepCount(side)
  if (!keep || steps < 2) return `${name}.`
  const low = Array.from({ length: steps - 1 }, (_, k) => k + 1).sort((a, b) => keep[a] - keep[b])
  const gone = low.filter((t) => keep[t] < 0.5).slice(0, 3).sort((a, b) => a - b)
  if (!gone.length) return `${name} holds on: ${label} never falls below ${number(keep[low[0]])}.`
  const places = gone.map((t) => `“${wordAt(side, t)[0]}” (${label} = ${number(keep[t])})`)
  return `${name} lets go at ${places.join(", ").replace(/, ([^,]*)$/, " and $1")}.`
}

// What each model expects after the word at the cursor.
export function expectation(sides, steps) {
  const said = sides.map((side, k) => {
    const ids = side.next.ids[steps[k]]
    return ids?.length ? `${side.title} expects “${side.next.words[ids[0]]}” (${percent(side.next.p[steps[k]][0])})` : ""
  })
  return said.some(Boolean) ? `After “${wordAt(sides[0], steps[0])[0]}”, ${said.filter(Boolean).join(", ")}.` : ""
}
