// What the server sends, as dashboard/figures makes it, and what Streamlit gives a component.

/** Of a row of words: its text, its first and last step, and whether the vocabulary holds it. */
export type Word = [text: string, first: number, last: number, known: number]

/** One value a step or a unit; a matrix is an array of rows. */
export type Row = Float32Array
export type Places = Int32Array

/** A unit with a name. ``side``: by step, which end of its axis its memory holds, 1 high, -1 low, 0 neither. */
export interface Named {
  name: string
  unit: number
  meaning: string
  side: Places
  high: string
  low: string
}

/** What two models' sides have in common: what they read, and how far in the text they are after each step. */
export interface Read {
  words: Word[]
  ends: Places
}

export interface Settings {
  text: string
  left: string
  right: string
  layer: number
  direction: number
  picked?: number
}

/** What a figure was drawn from (dashboard/origin.py). */
export interface Origin {
  text: string
  left: string
  right: string
  layer: number
  direction: number
  yours: unknown
}

/** A figure's element: what it was drawn from, and whether it has asked for something else. */
export interface FigureElement extends HTMLElement {
  of?: Origin | null
  waits?: boolean
}

/** What Streamlit calls a component with; the loader has unpacked its data. */
export interface Component<Data> {
  data: Data & { place: string; language: string; arrival: number | null }
  parentElement: HTMLElement
  turn: number
  setStateValue(name: string, value: unknown): void
  setTriggerValue(name: string, value: unknown): void
}

/** What a component's module draws and keeps. */
export interface Drawn<Data> {
  root: HTMLElement
  take(data: Data): void
  close(): void
}

// ---- Plotly, as far as it is used

export interface Trace {
  type: string
  name?: string
  mode?: string
  showlegend?: boolean
  line: { color: string; dash?: string; width?: number }
  marker?: { color?: string; symbol?: string }
  [more: string]: any
}

export interface Axis {
  tickmode?: string
  tickangle?: number
  tickvals: number[] | Float32Array
  ticktext: string[]
  range: [number, number]
  [more: string]: any
}

export interface Layout {
  [more: string]: any
}

export interface PlotlyElement extends HTMLElement {
  on(event: string, heard: (event: { points: Record<string, any>[] }) => void): void
  layout: Layout
}

declare global {
  interface Window {
    Plotly: {
      react(node: HTMLElement, data: object[], layout: object, config: object): Promise<unknown>
      purge(node: HTMLElement): void
      toImage(figure: object, options: object): Promise<string>
      downloadImage(figure: object, options: object): Promise<unknown>
    }
  }
}
