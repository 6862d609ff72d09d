// Where a unit lets go: it holds something, its keep gate shuts, and less than half of that is left after the step. What is
// written again as it was is not let go. The rule of lstm_core/analysis/letting_go.py.

/** A step in the order of reading: what is kept of the memory, and the memory after it and before.
 * @typedef {{ keep: number, now: number, old: number }} Step */

export const HALF = 0.5 // a unit that keeps less of what it has lets go of it
const [SHARE, LEAST] = [0.25, 0.25] // what is something: of the most that it holds, which has to be that far from 0

// By step, whether it lets go there.
/** @type {(steps: Step[]) => boolean[]} */
export function letGo(steps) {
  const most = steps.reduce((most, { now, old }) => Math.max(most, Math.abs(now), Math.abs(old)), 0)
  return steps.map(
    ({ keep, now, old }) =>
      most >= LEAST && keep < HALF && Math.abs(old) > SHARE * most && now * Math.sign(old) < HALF * Math.abs(old),
  )
}

// From where it lets go last on, for as long as its gate stays shut, for a name may be several tokens: the first of these
// steps and the one after the last; null where it lets go of nothing.
/** @type {(steps: Step[]) => [from: number, to: number] | null} */
export function last(steps) {
  const gone = letGo(steps)
  let from = gone.lastIndexOf(true)
  if (from < 0) return null
  let to = from + 1
  while (gone[from - 1]) from--
  while (to < steps.length && steps[to].keep < HALF) to++
  return [from, to]
}
