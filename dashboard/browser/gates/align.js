// Steps, words and what lies between two models that cut the same text differently. `sides` is what content.py sends.

export const clamp = (value, low, high) => Math.max(low, Math.min(high, value))

export const stepCount = (side) => (side.words.length ? side.words.at(-1)[2] + 1 : 0)

export function wordAt(side, step) {
  return side.words.find(([, first, last]) => first <= step && step <= last) ?? ["", 0, 0, 1]
}

// The step at which side k has read as far as the left side after `step`.
export function toSide(sides, k, step) {
  const { ends } = sides[k]
  if (k === 0) return step
  if (!ends.length || !sides[0].ends.length || ends.length === sides[0].ends.length) return clamp(step, 0, stepCount(sides[k]) - 1)
  const end = sides[0].ends[step]
  let found = 0
  for (let t = 0; t < ends.length && ends[t] <= end; t++) found = t
  return found
}

// The left side's step for a step of side k.
export function fromSide(sides, k, step) {
  const mine = sides[0].ends
  const { ends } = sides[k]
  const last = stepCount(sides[0]) - 1
  if (k === 0) return step
  if (!mine.length || !ends.length || ends.length === mine.length) return clamp(step, 0, last)
  const found = mine.findIndex((end) => end >= ends[step])
  return found < 0 ? last : found
}
