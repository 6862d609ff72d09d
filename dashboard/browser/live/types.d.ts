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
  shown?(v: Values): Vector
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

/** ``read``: what the readout is applied to; ``alpha``: the attention's weights; ``likeliest``: the next words, and what is written
 * behind the beginnings of words among them, once it was asked for;
 * ``towards``: what speaks for the first of them over the second, by step, once it was asked for. */
export interface Run {
  ids: number[]
  signals: Signals
  read: Vector[]
  alpha: Vector[] | null
  likeliest: { ids: number[]; shares: number[]; ends?: string[] }[]
  towards: (Float64Array | null | undefined)[]
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

/** What each piece is called (dashboard/export/live.py): ``kind`` 1 goes on with a word, 2 is a byte of a character;
 * ``adds`` 1 can be typed behind a text, 2 without a space between. */
export interface Vocabulary {
  bare: string[]
  kind: Int32Array
  adds: Int32Array
}

/** A unit with a name, and what tells whether it holds what the name means (dashboard/figures/meaning.py). */
export interface Meant {
  name: string
  unit: number
  meaning: string
  signal: string
  layer: number
  direction: number
  scale: string | null
  about: string[] | null
  threshold: number
  low: number
  high: number
  ends: [string, string]
  han: [string, string] | null
  apart: [number, number][]
}

/** What a saved page knows of a side beside its file. ``holds``: what holds a memory as it was, by signal; ``scale``: the
 * signal as whose share the memory is read; ``opens``: words that may stand before a subject. */
export interface Known {
  network: string
  sha256: string
  declared: Declared
  vocabulary: Vocabulary
  layer: number
  direction: number
  keep: string | null
  holds: [signal: string, value: number][]
  memory: string
  scale: string | null
  named: Meant[]
  opens: string[]
  says: Record<string, string>
}

/** A side that can read. */
export interface Reading extends Known {
  model: Network
  cell: Cell
  read(text: string): Token[]
  before: Run | null
}
