// What a network is in the browser, and what comes of running it.

/** Weights are single, what is computed is double. */
export type Vector = Float32Array | Float64Array

export interface Matrix {
  rows: number
  columns: number
  values: Float32Array
}

export type Parameters = Record<string, any>

/** A step's values by signal. */
export type Values = Record<string, Vector>

/** What ``lstm_core.javascript`` writes of a cell. */
export interface Cell {
  step(p: Parameters, x: Vector, s: Values): Values
  derived: Record<string, (v: Values) => Vector>
  attend?(p: Parameters, now: Vector[], states: Vector[]): { alpha: Vector[]; a: Vector[] }
}

/** A network's file, read. ``layers``: parameters by layer, then by direction. */
export interface Network {
  name: string
  header: Record<string, any>
  tokenizer: any
  embedding: Matrix
  layers: Parameters[][]
  readout: { weight: Matrix; bias: Float32Array; tied: boolean; attention: Parameters | null }
}

/** What of a cell has to be known to run it. */
export interface Declared {
  states: string[]
  output: string
  below: string[]
}

/** By signal, layer, direction and step. */
export type Signals = Record<string, Vector[][][]>

/** ``read``: what the readout is applied to; ``alpha``: the attention's weights; ``likeliest``: the next words. */
export interface Run {
  ids: number[]
  signals: Signals
  read: Vector[]
  alpha: Vector[] | null
  likeliest: { ids: number[]; shares: number[] }[]
}

/** What a step of a text is read as; ``start`` and ``end`` count characters (lstm_core/text.py). */
export interface Token {
  text: string
  start: number
  end: number
  id: number
  piece: string
  known: boolean
  word: number
}
