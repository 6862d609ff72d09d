// How a word goes on whose first piece is likely to come next, as lstm_core/drawing/endings.py says it: the network reads the
// piece on. A step is asked once, and kept while a text is typed on.
import { at, rowOf, scores, shares as softmax, unitsOf } from "./run.js"

/** @import { Reading, Run, Values, Vector, Vocabulary } from "./types.d.ts" */

const [SURE, LONGEST] = [0.5, 8]
const [GOES_ON, BYTE] = [1, 2] // kinds of pieces
const ON = /^['’]?\p{L}/u
const UNSPACED = /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}]/u

/** @type {WeakMap<Vocabulary, { on: boolean[], asked: boolean[], any: boolean }>} */
const known = new WeakMap()

/** @type {(vocabulary: Vocabulary) => { on: boolean[], asked: boolean[], any: boolean }} */
function kinds(vocabulary) {
  const found = known.get(vocabulary)
  if (found) return found
  const spaced = (/** @type {string} */ text) => !UNSPACED.test(text)
  const on = vocabulary.bare.map((text, id) => vocabulary.kind[id] === GOES_ON && ON.test(text) && spaced(text))
  const asked = vocabulary.bare.map((text, id) => vocabulary.kind[id] !== BYTE && /\p{L}$/u.test(text) && spaced(text))
  const made = { on, asked, any: on.some(Boolean) }
  known.set(vocabulary, made)
  return made
}

// Whether it takes the network to say how its next words are written.
/** @type {(reading: Reading) => boolean} */
export const readsOn = ({ model, vocabulary }) =>
  kinds(vocabulary).any && !model.readout.attention && model.layers[0].length === 1

// What is written behind each of the likeliest words after a step; "" behind those that are whole.
/** @type {(reading: Reading, run: Run, step: number) => string[]} */
export function endings(reading, run, step) {
  const likely = run.likeliest[step]
  return (likely.ends ??= among(reading, run, step, likely.ids))
}

// The same of words that were chosen.
/** @type {(reading: Reading, run: Run, step: number, ids: number[]) => string[]} */
export function among(reading, run, step, ids) {
  if (!readsOn(reading)) return ids.map(() => "")
  const { model, cell, declared, vocabulary } = reading
  const { asked, on } = kinds(vocabulary)
  const before = model.layers.map((_, layer) => at(run.signals, layer, 0, step))
  return ids.map((id) => (asked[id] ? written(end(id, before)) : ""))

  /** @type {(first: number, before: Values[]) => string} */
  function end(first, before) {
    let [text, id, state] = ["", first, before]
    for (let n = 0; n < LONGEST; n++) {
      state = next(id, state)
      const { best, most, sum } = goingOn(state)
      if (sum < SURE) return text
      if (most < SURE) return text + "-"
      text += vocabulary.bare[best]
      id = best
    }
    return text + "-"
  }

  /** @type {(id: number, before: Values[]) => Values[]} */
  function next(id, before) {
    /** @type {Values[]} */
    const now = []
    /** @type {Vector} */
    let x = rowOf(model.embedding, id)
    model.layers.forEach(([p], layer) => {
      const s = { ...before[layer] }
      for (const name of declared.below)
        s[`below_${name}`] = layer ? now[layer - 1][name] : new Float64Array(unitsOf(p))
      now.push(cell.step(p, x, s))
      x = now[layer][declared.output]
    })
    return now
  }

  // The pieces that go on with a word: the likeliest, its share, and all of theirs.
  /** @param {Values[]} state */
  function goingOn(state) {
    let [best, most, sum] = [0, 0, 0]
    softmax(scores(model, state[state.length - 1][declared.output])).forEach((share, id) => {
      if (!on[id]) return
      sum += share
      if (share > most) [best, most] = [id, share]
    })
    return { best, most, sum }
  }
}

// "(wegian)" behind a piece, "-" where it is not known how the word goes on.
/** @type {(end: string) => string} */
const written = (end) => (end.length > 1 || (end && end !== "-") ? `(${end})` : end)
