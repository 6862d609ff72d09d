// What the figure is drawn from, as lstm_core/drawing/content.py makes it, of runs in the browser. What does not depend on
// the text (panels, titles, colours) stands in the template that the page was saved with.
import { adds } from "./memory.js"
import { endings, readsOn } from "./endings.js"
import * as units from "./units.js"
import { added, nextWord, pieces, visible, words } from "./words.js"
import { UNKNOWN } from "./tokenizer.js"
import { quoted } from "../page/naming.js"
import { list, tr } from "../page/words.js"

/** @import { Reading, Run, Token, Vector } from "./types.d.ts" */

const LONGEST = 300 // steps of which attention is drawn
const BYTE = 2 // a kind of piece
const NAMED = 3 // unknown words that are named

/** @typedef {{ reading: Reading, run: Run, tokens: Token[] }} Read */

/** @typedef {{ unit: number | null, rows: Set<number>, picked?: number | null }} Chosen */

// ``chosen``: the unit that is spoken of on each side and those that have a row, once there are any; and what was picked.
// ``writing``: somebody is still writing at the end of the text; ``unfinished``: its last word is not called unknown for that.
/** @param {any} template @param {string} text @param {Read[]} sides @param {Chosen[]} chosen @param {string[]} notices
 * @param {boolean} [writing] @returns {any} */
export function content(template, text, sides, chosen, notices, writing = false) {
  const unfinished = sides.map((side) => writing && mayBecome(text, side))
  const empty = !sides.every(({ tokens }) => tokens.length)
  const made = sides.map((side, k) =>
    empty ? nothing(template.sides[k], side.reading, chosen[k].unit) : column(template.sides[k], side, chosen[k]),
  )
  const figure = empty ? { ...template.figure, data: [] } : filled(template.figure, sides, made)
  return {
    ...template,
    figure,
    text,
    notices: [...unread(template, sides, unfinished), ...notices],
    unfinished: unfinished.some(Boolean),
    units: made.map(({ unit }) => unit),
    sides: made.map(({ side }) => side),
    summed: about(made, sides),
    cut: [],
  }
}

// Which units have a row, and what the band below them is, where not all have one.
/** @type {(made: { by: string }[], sides: Read[]) => string[]} */
function about(made, sides) {
  const wide = made.flatMap(({ by }, k) => (by === "all" ? [] : [{ by, says: sides[k].reading.says }]))
  return [...new Set([...wide.map(({ by, says }) => says[by]), ...wide.map(({ says }) => says.band)])]
}

/** @type {(side: any, reading: Reading, unit: number | null) => { side: any, unit: number, by: string }} */
const nothing = (side, { named, layer, direction }, unit) => ({
  unit: unit ?? named.find((one) => one.layer === layer && one.direction === direction)?.unit ?? 0,
  by: "all",
  side: {
    ...side,
    units: new Int32Array(0),
    named: [],
    orders: { index: new Int32Array(0) },
    words: [],
    ends: new Int32Array(0),
    unknown: new Int32Array(0),
    pieces: {},
    adds: null,
    next: { words: [], unknown: -1, ids: [], p: [], why: "" },
  },
})

/** @param {any} side @param {Read} read @param {Chosen} chosen */
function column(side, { reading, run, tokens }, chosen) {
  const { named: all, vocabulary, keep, layer, direction } = reading
  const here = all.filter((one) => one.layer === layer && one.direction === direction)
  const named = here.flatMap((one) => {
    const holds = units.held(one, run, tokens)
    return holds ? [{ name: one.name, unit: one.unit, meaning: one.meaning, ...holds }] : []
  })
  const holding = here.flatMap(({ unit, apart }) => {
    const holds = named.find((one) => one.unit === unit)
    return holds ? [{ unit, apart, side: holds.side }] : []
  })
  const memory = /** @type {Vector[]} */ (units.valuesOf(reading, run, side.memory))
  const unit = chosen.picked ?? units.deciding(reading, run, memory, tokens.length - 1, holding, chosen.unit)
  const rows = units.rows(reading, run, memory, [unit, ...named.map((one) => one.unit)], chosen.rows)
  const gathered = words(tokens)
  chosen.unit = unit
  chosen.rows = rows.by === "all" ? new Set() : new Set(rows.units)
  const next = expected(reading, run)
  return {
    unit,
    by: rows.by,
    side: {
      ...side,
      units: rows.units,
      named: named.filter((one) => rows.units.includes(one.unit)),
      orders: units.orders(keep === null ? null : units.valuesOf(reading, run, keep), memory, rows.units),
      words: gathered,
      ends: Int32Array.from(tokens, ({ end }) => end),
      unknown: Int32Array.from(tokens.flatMap(({ known }, step) => (known ? [] : [step]))),
      pieces: pieces(tokens, gathered, vocabulary),
      adds: layer === reading.model.layers.length - 1 ? adds(reading, run) : null,
      next,
    },
  }
}

// The likeliest next words by name, those of one name together; ``adds``: what each adds to a text. ``open``: steps at which
// the beginnings of words among them have no ends yet, which ``finish`` gives them.
/** @param {Reading} reading @param {Run} run */
function expected(reading, run) {
  const { vocabulary, model } = reading
  const most = Math.max(0, ...run.likeliest.map(({ ids }) => ids.length))
  const next = {
    words: /** @type {string[]} */ ([]),
    unknown: -1,
    ids: /** @type {Int32Array[]} */ ([]),
    p: /** @type {Float32Array[]} */ ([]),
    why: "",
    adds: /** @type {string[]} */ ([]),
    open: new Set(readsOn(reading) ? run.likeliest.flatMap(({ ends }, step) => (ends ? [] : [step])) : []),
    finish: (/** @type {number} */ step) => next.open.delete(step) && row(step, endings(reading, run, step)),
  }
  /** @type {Map<string, number>} */
  const table = new Map()
  /** @type {(step: number, ends: string[]) => void} */
  function row(step, ends) {
    /** @type {Map<number, number>} */
    const found = new Map()
    const { ids, shares } = run.likeliest[step]
    ids.forEach((id, k) => {
      const name = nextWord(vocabulary, id) + (ends[k] ?? "")
      if (!table.has(name)) next.adds[table.size] = added(vocabulary, id, ends[k])
      const place = table.get(name) ?? table.set(name, table.size).size - 1
      next.words[place] = name
      found.set(place, (found.get(place) ?? 0) + shares[k])
    })
    const sorted = [...found].sort((a, b) => b[1] - a[1])
    next.ids[step] = new Int32Array(most).fill(-1)
    next.p[step] = new Float32Array(most)
    sorted.forEach(([place, share], k) => {
      next.ids[step][k] = place
      next.p[step][k] = share
    })
  }
  run.likeliest.forEach(({ ends = [] }, step) => row(step, ends))
  next.unknown = table.get(visible(model.tokenizer.model?.unk_token || UNKNOWN)) ?? -1
  return next
}

// The figure's panels with their values; an axis without bounds reaches to the largest that has a row.
/** @param {any} figure @param {Read[]} sides @param {{ side: any }[]} made */
function filled(figure, sides, made) {
  /** @type {Record<string, number>} */
  const reach = {}
  const long = sides.some(({ tokens }) => tokens.length > LONGEST)
  const data = figure.data.flatMap((/** @type {any} */ one) => {
    if (one.type !== "heatmap") return [one]
    const { side, signal, sources } = one.meta
    const { reading, run } = sides[side]
    if (sources)
      return long || !run.alpha
        ? []
        : [
            {
              ...one,
              z: run.alpha.map((_, k) => Float32Array.from(/** @type {Vector[]} */ (run.alpha), (row) => row[k])),
            },
          ]
    const values = /** @type {Vector[]} */ (units.valuesOf(reading, run, signal))
    const width = values[0].length
    const own = Array.from(/** @type {Int32Array} */ (made[side].side.units)).filter((unit) => unit < width)
    const z = own.map((unit) => over(values, unit))
    const least = figure.layout.meta.tight.includes(one.coloraxis) ? 0 : 1
    const most = z.reduce((max, row) => row.reduce((most, value) => Math.max(most, Math.abs(value)), max), least)
    reach[one.coloraxis] = Math.max(reach[one.coloraxis] ?? 0, most)
    const others = width - own.length
    return [{ ...one, meta: { ...one.meta, band: others > 0 }, z: others ? [...z, ...band(values, new Set(own))] : z }]
  })
  const layout = { ...figure.layout, meta: { ...figure.layout.meta } }
  for (const [axis, most] of Object.entries(reach)) {
    if (/^coloraxis([3-9]|\d\d)/.test(axis)) {
      const ends = { cmin: layout[axis].cmin === 0 ? 0 : -(most || 1), cmax: most || 1 }
      layout[axis] = { ...layout[axis], ...ends }
    }
  }
  layout.meta.panels = layout.meta.panels.map((/** @type {any} */ panel) => {
    const drawn = data.find(
      (/** @type {any} */ one) => one.meta.side === panel.side && one.meta.role === panel.row && one.type === "heatmap",
    )
    if (panel.sources)
      return { ...panel, empty: drawn ? undefined : tr("drawn for up to {count} tokens", { count: LONGEST }) }
    const { units: shown, width } = made[panel.side].side
    const others = drawn?.meta.band ? width - shown.length : 0
    return panel.kind === "panel" && !panel.empty ? { ...panel, others } : panel
  })
  return { data, layout }
}

// One unit's values at every step, in a loop: at every key there are hundreds of them.
/** @type {(values: Vector[], unit: number) => Float32Array} */
function over(values, unit) {
  const row = new Float32Array(values.length)
  for (let t = 0; t < values.length; t++) row[t] = values[t][unit]
  return row
}

/** @type {WeakMap<Vector, { own: string, rest: number[] }>} by the values of a step, which stay while a text is typed on */
const summed = new WeakMap()

// What the units do that have no row: a blank row, what a tenth of them exceed, half of them, and nine tenths.
/** @type {(values: Vector[], own: Set<number>) => Float32Array[]} */
function band(values, own) {
  const others = Array.from(values[0].keys()).filter((unit) => !own.has(unit))
  const key = [...own].join()
  const rest = values.map((row) => {
    const known = summed.get(row)
    if (known?.own === key) return known.rest
    const found = tenths(row, others)
    summed.set(row, { own: key, rest: found })
    return found
  })
  return [Float32Array.from(rest, () => NaN), ...[0, 1, 2].map((k) => Float32Array.from(rest, (one) => one[k]))]
}

/** @type {(row: Vector, others: number[]) => number[]} */
function tenths(row, others) {
  const sorted = new Float64Array(others.length)
  for (let k = 0; k < others.length; k++) sorted[k] = row[others[k]]
  sorted.sort()
  const last = sorted.length - 1
  const tenth = Math.floor(last / 10)
  return [sorted[last - tenth], sorted[Math.floor(last / 2)], sorted[tenth]]
}

// One sentence for the words that matter and that a model does not know, as dashboard/unread.py says it.
/** @param {any} template @param {Read[]} sides @param {boolean[]} unfinished */
function unread(template, sides, unfinished) {
  /** @type {Map<string, Set<string>>} */
  const told = new Map()
  sides.forEach(({ tokens, reading }, k) => {
    for (const word of missing(tokens, reading, unfinished[k]))
      told.set(word, (told.get(word) ?? new Set()).add(template.sides[k].title))
  })
  if (!told.size) return []
  const names = list([...new Set([...told.values()].flatMap((who) => [...who]))])
  const named = [...told.keys()].slice(0, NAMED).map(quoted)
  const said = named.reduce((first, second) => tr("{first}, {second}", { first, second }))
  const all = told.size > NAMED ? tr("{words} and {count} more", { words: said, count: told.size - NAMED }) : said
  return [tr("Not in the vocabulary of {names}: {words}. What is expected then is a guess.", { names, words: all })]
}

// Whether the last word is unknown, ends the text and begins one that is known.
/** @type {(text: string, side: Read) => boolean} */
function mayBecome(text, { tokens, reading }) {
  const last = tokens.at(-1)
  if (!last || last.known || last.end !== Array.from(text).length) return false
  const letters = last.text.toLowerCase()
  return reading.vocabulary.bare.some((piece) => piece.toLowerCase().startsWith(letters))
}

// ``unfinished``: the last word may become a known one.
/** @type {(tokens: Token[], reading: Pick<Reading, "vocabulary" | "opens">, unfinished: boolean) => string[]} */
function missing(tokens, { vocabulary: { kind }, opens }, unfinished) {
  const shown = words(tokens).filter(([text]) => /[\p{L}\p{N}]/u.test(text))
  const inBytes = tokens.map(({ id, text }) => kind[id] === BYTE && /[\p{L}\p{N}]/u.test(text))
  const finished = shown.filter(([, , last]) => !unfinished || last < tokens.length - 1)
  const unknown = finished.filter(([, first, last, known]) => !known || inBytes.slice(first, last + 1).some(Boolean))
  const wide = 2 * unknown.length > shown.length
  /** @type {Set<number>} */
  const subjects = new Set()
  let begins = true
  for (const [text, first] of words(tokens)) {
    if (begins) subjects.add(first)
    begins = /^[.!?。？]$/.test(text) || (begins && opens.includes(text.toLowerCase()))
  }
  const told = (/** @type {import("../types.d.ts").Word} */ [text, first]) =>
    wide ||
    first === shown[shown.length - 1][1] ||
    subjects.has(first) ||
    /^\p{Lu}/u.test(text) ||
    /[\u4e00-\u9fff]/.test(text)
  return [...new Set(unknown.filter(told).map(([text]) => text))]
}
