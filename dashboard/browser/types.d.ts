// What the server sends, as dashboard/figures makes it, and what Streamlit gives a component.

/** Of a row of words: its text, its first and last step, and whether the vocabulary holds it. */
export type Word = [text: string, first: number, last: number, known: number]

/** One value a step or a unit; a matrix is an array of rows. */
export type Row = Float32Array
export type Places = Int32Array

/** A unit with a name. ``side``: by step, which end of its axis its memory holds, 1 high, -1 low, 0 neither; ``leans``: towards
 * which it stands, also where it holds little; ``from``: the first step at which it can stand for either. */
export interface Named {
  name: string
  unit: number
  meaning: string
  side: Places
  leans: Places
  from: number
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
  show?: string
  picked?: number
}

/** Where a text is written and models are chosen. */
export interface Chooses {
  pick(text: string): void
  change(values: Partial<Settings>): void
}

/** The same on a page with a server: ``written()`` is what it says now, ``send()`` says it again and ``flush()`` what has
 * waited, ``address()`` puts the address right. */
export interface Controls extends Chooses {
  root: HTMLElement
  settings?: Settings
  written(): Partial<Settings> & { yours: unknown }
  send(name: string, value: unknown): void
  flush(): void
  address(): void
}

/** What was chosen, as the address has it (dashboard/address.py); what is null stands there no more. */
export interface Chosen {
  text?: string | null
  left?: string | null
  right?: string | null
  picked?: number | null
  layer?: number | null
  direction?: number | null
  at?: number | null
  unit?: number | null
  unit2?: number | null
  only?: string | null
  sort?: string | null
  stage?: number | null
  view?: string | null
  notation?: string | null
  order?: string | null
  present?: number | null
}

/** What was chosen with the cursor. */
export type Cursor = Pick<Chosen, "at" | "unit" | "unit2">

/** What a figure was drawn from (dashboard/origin.py). */
export interface Origin extends Settings {
  yours: unknown
}

/** In pixels from the top left of what it stands in. */
export interface Box {
  x: number
  y: number
  width: number
  height: number
}

/** A place on a figure's stage, and of which side it is. */
export interface Rows {
  stage: HTMLElement
  box: Box
  side: number
}

/** A figure's element: what it was drawn from, whether it has asked for something else, where its rows are, and how it is
 * told of words that are to be seen. */
export interface FigureElement extends HTMLElement {
  of?: Origin | null
  waits?: boolean
  rowsNamed?(row: string): Rows[]
  speakOf?(words: string[]): void
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
