// What dashboard/figures/walk.py sends.
import type { Origin, Named, Places, Row, Trace, Word } from "../types.d.ts"

export type Kind = "gate" | "candidate" | "state" | "output"

/** Of an expression: a number, a symbol with where its value stands, or an operation with its arguments. ``blocks``: the
 * weights that one matrix of a notation stands for, and ``v`` then where the value of each product is. */
export interface Tree {
  n?: number
  s?: string
  o?: string
  a?: Tree[]
  v?: number | null | (number | null | undefined)[]
  blocks?: string[]
}

/** An operation: its arguments are there. */
export interface Operation extends Tree {
  o: string
  a: Tree[]
}

export interface Push {
  matrix?: string
  source?: string | null
  label?: string
  bias?: string
  value: number | null
}

export interface Signal {
  kind: Kind
  role: string
  meaning: string
  value: number
}

export interface Stage {
  name: string
  text: string
  signals: string[]
  shows?: "looks" | "expects"
}

/** A node of the drawing; places and sizes in units of the grid. */
export interface Node {
  id: number
  kind: string
  label: string
  signal: string | null
  letter: [number, number]
  box: [number, number, number, number]
  value: number | null
  formula: Tree
}

export interface Wire {
  from: number
  to: number
  points: [number, number][]
  value: number | null
}

/** dashboard/figures/expects.py */
export interface Expects {
  words: string[]
  adds: string[]
  ids: Places[]
  scores: Row[]
  shares: Row[]
  likeliest: number
  partners: Record<string, number>
  total: Row | number[]
  vocabulary: number
  weights: Row[]
  bias: Row
  read: Row[]
  output: string
  directions: number
  layers: number
  ends: Places
}

export interface Looks {
  equations: { name: string; tree: Tree }[]
  alpha: Row[]
  mean: Row[]
}

export interface Side {
  title: string
  model: string
  hidden: number
  unit: number
  named: Named[]
  backward: boolean
  words: Word[]
  ends: Places
  tokens: string[]
  embedded: boolean
  diagram: { nodes: Node[]; wires: Wire[]; memory: number[]; frame: [number, number, number, number] }
  equations: Record<string, { tree: Tree; pushes: Push[] }>
  signals: Record<string, Signal>
  stages: Stage[]
  looks: Looks | null
  /** Of all steps, or what makes it of one, where the browser does. */
  expects: Expects | ((at: number) => Expects) | null
  silent: string
  layer: number
  direction: number
  code: string
  derived: Record<string, string>
  memory: string
  candidate: string | null
  output: string
  below: string[]
  inputs: number
  matrices: Record<string, Row[]>
  sources: Record<string, Row[]>
  values: (Row | Row[])[]
  /** The row of a place at a step, where the browser makes it when it is asked for. */
  made?: (place: number, at: number) => Row | undefined
}

/** A colour scale as Plotly writes it. */
export type Scale = [number, string][]

export interface Content {
  sides: Side[]
  text: string
  at: number
  stages: Record<string, string>
  behind: Record<string, "looks" | "expects">
  scales: Record<"gate" | "signed", Record<"light" | "dark", Scale>>
  plain: string | null
  of: Origin | null
}
