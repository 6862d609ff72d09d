// The values of every signal, by row: of each unit that has one, of the band that sums up the others, or of each step that
// was looked back at.

/** @import { Row } from "../types.d.ts" */
/** @import { Heatmap, Line, Panel, RowName, Side } from "./types.d.ts" */

/** @type {RowName[]} */
const BAND = ["gap", "high", "median", "low"] // rows below the units, as lstm_core/drawing/band.py sums up the others

export class Rows {
  /** @param {Side[]} sides @param {(Heatmap | Line)[]} data */
  constructor(sides, data) {
    this.sides = sides
    /** @type {Map<string, Map<RowName, Row>>} */
    this.signals = new Map()
    for (const { meta, z } of data.filter((one) => one.type === "heatmap")) {
      const own = z.length - (meta.band ? BAND.length : 0)
      /** @type {RowName[]} */
      const names = meta.sources ? z.map((_, k) => k) : [...sides[meta.side].units.subarray(0, own), ...BAND]
      this.signals.set(`${meta.side} ${meta.signal}`, new Map(z.map((row, k) => [names[k], row])))
    }
  }

  /** @param {number} side @param {string | null} signal @param {RowName} name */
  row(side, signal, name) {
    return this.signals.get(`${side} ${signal}`)?.get(name)
  }

  // Whether a unit has a row.
  /** @param {number} side @param {number | null | undefined} unit @returns {unit is number} */
  has(side, unit) {
    return typeof unit === "number" && this.sides[side].units.includes(unit)
  }

  // A side's units that have a row, in this order.
  /** @param {number} side @param {string} by */
  order(side, by) {
    const { orders } = this.sides[side]
    return orders[by] ?? orders.index
  }

  // What the rows of a panel are, from the top; a projected h has fewer units.
  /** @param {Panel} panel @param {string} by @returns {RowName[]} */
  of(panel, by) {
    if (panel.kind === "strip") return []
    const rows = this.signals.get(`${panel.side} ${panel.signal}`)
    if (panel.sources) return [...(rows?.keys() ?? [])]
    const units = Array.from(this.order(panel.side, by)).filter((unit) => rows?.has(unit))
    return [...units, ...(panel.others ? BAND : [])]
  }
}
