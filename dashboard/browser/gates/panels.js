// The panels of the grid, as lstm_core/drawing/grid.py lists them.

/** @import { Heat, Panel } from "./types.d.ts" */

// A heat map that is drawn.
/** @template {Panel} P @param {P} panel @returns {panel is P & Heat} */
export function heat(panel) {
  return panel.kind === "panel" && !panel.empty
}

// ... whose rows are units.
/** @template {Panel} P @param {P} panel @returns {panel is P & Heat} */
export function ofUnits(panel) {
  return heat(panel) && !panel.sources
}
