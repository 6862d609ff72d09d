// What a page that lives carries: packed bytes, in itself or in scripts beside it that say them, and networks among them.
import { tr } from "../page/words.js"
import { parse } from "./file.js"
import { reader } from "./tokenizer.js"

/** @import { Cell, Known, Network, Reading } from "./types.d.ts" */

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
/** @param {string} id @param {string} expected @param {string} name @returns {Promise<Network>} */
export async function network(id, expected, name) {
  const damaged = tr(
    "The weights of {name} in this file are not those that were saved: it was damaged on its way. Copy it again.",
    { name },
  )
  try {
    const bytes = await inflated(id)
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

// How many steps of a text are read by this network.
/** @type {(model: Network) => number} */
export function longest({ layers, embedding, readout }) {
  const weights = layers
    .flat()
    .flatMap((p) => Object.values(p))
    .reduce((sum, value) => sum + (value.values ?? value).length, 0)
  const step = weights + readout.weight.values.length + (readout.tied ? embedding.values.length : 0)
  return Math.max(FEWEST, Math.min(MOST, Math.floor(WORK / step)))
}

/** @type {Map<string, Promise<Network>>} */
const networks = new Map()

/** @param {Known} known @param {string} name @param {Cell} cell @returns {Promise<Reading>} */
export async function reading(known, name, cell) {
  const one = networks.get(known.network) ?? network(known.network, known.sha256, name)
  networks.set(known.network, one)
  const model = await one
  return { ...known, model, cell, read: reader(model.tokenizer), before: null }
}
