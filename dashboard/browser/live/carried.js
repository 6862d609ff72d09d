// Networks as they come into a page: packed into itself, in scripts beside it that say them, or from its server.
import { tr } from "../page/words.js"
import { parse } from "./file.js"
import { reader, typed } from "./tokenizer.js"

/** @import { Cell, Known, Network, Reading, Token } from "./types.d.ts" */

const WORK = 1e9 // products that a text may take: a second or so
const [FEWEST, MOST] = [300, 2000] // steps that are read, by the work of one

/** @type {(id: string) => Promise<Uint8Array>} */
export async function inflated(id) {
  const text = document.getElementById(id)?.textContent ?? ""
  const letters = atob(text)
  const bytes = new Uint8Array(letters.length)
  for (let place = 0; place < letters.length; place++) bytes[place] = letters.charCodeAt(place)
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

// Throws an Error with a sentence for a reader: the file was changed on its way, or is not there.
/** @param {Promise<Uint8Array>} coming @param {string} expected @param {string} name @returns {Promise<Network>} */
export async function network(coming, expected, name) {
  const damaged = tr(
    "The weights of {name} in this file are not those that were saved: it was damaged on its way. Copy it again.",
    { name },
  )
  try {
    const bytes = await coming
    if (window.crypto?.subtle) {
      const digest = new Uint8Array(await window.crypto.subtle.digest("SHA-256", /** @type {any} */ (bytes)))
      const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")
      if (found !== expected) throw new Error("another hash")
    }
    return parse(bytes)
  } catch (error) {
    throw new Error(damaged, { cause: error })
  }
}

// How many products a step takes.
/** @type {(model: Network) => number} */
export function work({ layers, embedding, readout }) {
  const weights = layers
    .flat()
    .flatMap((p) => Object.values(p))
    .reduce((sum, value) => sum + (value.values ?? value).length, 0)
  return weights + readout.weight.values.length + (readout.tied ? embedding.values.length : 0)
}

// How many steps of a text are read by this network.
/** @type {(model: Network) => number} */
export const longest = (model) => Math.max(FEWEST, Math.min(MOST, Math.floor(WORK / work(model))))

/** @type {Map<string, Promise<Network>>} */
const networks = new Map()

// ``bytes``: asks for the network's file, which is asked for once.
/** @param {Known} known @param {string} name @param {Cell} cell @param {() => Promise<Uint8Array>} bytes
 * @returns {Promise<Reading>} */
export async function reading(known, name, cell, bytes) {
  const one = networks.get(known.sha256) ?? network(bytes(), known.sha256, name)
  networks.set(known.sha256, one)
  one.catch(() => networks.delete(known.sha256)) // it may be asked for again
  const model = await one
  const read = reader(model.tokenizer)
  const there = (/** @type {Token} */ { id }) => id < model.embedding.rows // a visitor's vocabulary may know more
  return { ...known, model, cell, read: (text) => read(typed(text, known)).filter(there), before: null }
}
