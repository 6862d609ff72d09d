// What lstm_core/drawing/content.py sends, and what is drawn of it.
import type { Box, Named, Origin, Places, Read, Row } from "../types.d.ts"

/** A model's likeliest next words after every step: which of ``words`` by rank, -1 where there is none, and how likely.
 * ``why``: why nothing is predicted; ``open``: steps at which beginnings of words have no ends yet, which ``finish`` finds. */
export interface Next {
  words: string[]
  unknown: number
  ids: Places[]
  p: Row[]
  why?: string
  open?: Set<number>
  finish?: (step: number) => unknown
}

/** What is said of a model: its cell, its name, what it reads and expects. */
export interface Speaks extends Read {
  pieces?: Record<string, string>
  title: string
  model: string
  named: Named[]
  backward?: boolean
  next: Next
}

/** One model's column. ``units``: those that have a row; ``adds``: what each word adds to the likeliest next one, the rows
 * of a lower triangle, one behind the other. */
export interface Side extends Speaks {
  units: Places
  width: number
  wide: boolean
  memory: string
  orders: Record<string, Places>
  pieces: Record<string, string>
  adds: Row | null
}

/** Of a panel: which row of the grid it is, of which side, and why it is empty. */
interface Described {
  row: string
  title: string
  side: number
  meaning?: string
  empty?: string
}

/** Lines of one unit. */
export interface Strip extends Described {
  kind: "strip"
  signals: string[]
}

/** A heat map of one signal. ``sources``: its rows are the steps that were looked back at; ``others``: how many units the
 * band below the rows stands for. */
export interface Heat extends Described {
  kind: "panel"
  signal: string | null
  label: string
  sources?: boolean
  others?: number
}

export type Panel = Strip | Heat

/** Where a panel stands; ``high``: the largest size of a line in it. */
export type Placed<P extends Panel = Panel> = P & { box: Box; high: number }

/** A row of a heat map: a unit, a step that was looked back at, or what sums up the other units. */
export type RowName = number | "gap" | "high" | "median" | "low"

export interface Heatmap {
  type: "heatmap"
  z: Row[]
  coloraxis: string
  meta: { side: number; role: string; signal: string; sources?: boolean; band?: boolean }
}

export interface Line {
  type: "scatter"
  coloraxis?: undefined
  line: { color: string; width: number }
  meta: { side: number; role: string; signal: string; strip: string }
}

/** A line as it is drawn, and the values of its unit at every step. */
export type DrawnLine = Line & { values: Row; x: number[]; y: number[] }

export type DrawnHeatmap = Heatmap & { x0: number; dx: number; y0: number; dy: number }

export interface Scale {
  colorscale: [at: number, color: string][]
  cmin: number
  cmax: number
}

export interface Layout {
  meta: { rows: string[]; strips: string[]; panels: Panel[]; tight: string[] }
  coloraxis2: Scale
  [more: string]: any
}

export interface DrawnFigure {
  data: (DrawnHeatmap | DrawnLine)[]
  layout: Layout
}

/** A file that the server made, to be saved once. */
export interface Made {
  id: string
  name: string
  type: string
  data: string
}

/** ``here``: made in this browser, and not yet the server's own trace. */
export interface Content {
  text: string
  figure: { data: (Heatmap | Line)[]; layout: Layout }
  dark: { layout: { coloraxis2: Scale; [more: string]: any }; lines: Record<string, string> }
  units: number[]
  sides: Side[]
  settings: { at: number; unit?: number | null; unit2?: number | null; sort: string; only?: string | null }
  notices: string[]
  honesty: string[]
  quiet: string
  summed: string[]
  of?: Origin | null
  files?: Made[]
  count?: number
  show?: string
  arrival?: number | null
  room?: number
  at_once?: Part[] | null
  here?: boolean
}

/** Of one side what a browser runs by itself: addresses below the app's, as dashboard/at_once.py says them. */
export interface Part {
  known: string
  weights: string
  cell: string
  bytes: number
}

/** Where a column's title, words and panels stand. */
export interface Top {
  left: number
  title: number
  words: number
  top: number
  bottom: number
}

export interface Geometry {
  narrow: boolean
  gutter: number
  width: number
  height: number
  column: number
  boxes: (Box & { row: string; side: number })[]
  tops: Top[]
}

/** A text on the stage. */
export interface Label {
  x: number
  y: number
  text: string
  anchor?: "right" | "center"
  vertical?: "bottom"
  angle?: number
  kind?: string
  size?: number
  color?: string
  background?: string
  title?: string
}

/** The figure as it is saved: with its labels, and frames round what is chosen. */
export interface Picture {
  figure: DrawnFigure
  geometry: Geometry
  labels: Label[]
  frames: Box[]
  page: { background: string; ink: string; font: string }
  below?: Below
}

/** What a saved picture says below its grid: a sentence, scales of colours with what each means, and tints. */
export interface Below {
  text: string
  scales: { colors: [number, string][]; text: string }[]
  tints?: [about: string, ...meanings: [color: string, text: string][]]
}

/** A signal's values, one a step. */
export interface Signal {
  label: string
  values: ArrayLike<number>
}
