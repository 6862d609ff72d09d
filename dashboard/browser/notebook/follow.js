// The cursor and the units of a figure and of its kernel, each following the other.

/** @import { Model } from "./notebook.js" */

/** A figure as far as it is followed: it says so when its cursor or its units are others.
 * @typedef {{ root: EventTarget, at: number, units: number[], moveTo(step: number): void,
 *   pickUnit(side: number, unit: number): void, has(side: number, unit: number): boolean }} Followed */

const NAMES = ["unit", "unit2"]

/** @param {Followed} figure @param {Model} model @returns {() => void} what ends it */
export function follow(figure, model) {
  const says = () => {
    const values = { step: figure.at, ...Object.fromEntries(figure.units.map((unit, side) => [NAMES[side], unit])) }
    const other = Object.entries(values).filter(([name, value]) => model.get(name) !== value)
    for (const [name, value] of other) model.set(name, value)
    if (other.length) model.save_changes()
  }
  const moved = () => figure.moveTo(model.get("step"))
  const picked = NAMES.map((name, side) => () => {
    const unit = model.get(name)
    // For a unit without a row the kernel sends another figure.
    if (side < figure.units.length && unit !== figure.units[side] && figure.has(side, unit)) figure.pickUnit(side, unit)
  })
  moved() // what was set while it was drawn
  picked.forEach((pick) => pick())
  figure.root.addEventListener("gs:cursor", says)
  model.on("change:step", moved)
  NAMES.forEach((name, side) => model.on(`change:${name}`, picked[side]))
  return () => {
    figure.root.removeEventListener("gs:cursor", says)
    model.off("change:step", moved)
    NAMES.forEach((name, side) => model.off(`change:${name}`, picked[side]))
  }
}
