// What a figure of a notebook carries itself: the page's modules and Plotly.js come from the kernel, once for all figures
// of a notebook. In a frame, where no widget can run, they stand in the frame, and Plotly.js in one of them.
// It imports nothing: where it stands there is nothing beside it.

const WAIT = 30000 // milliseconds
const PREFIX = "gatescope/" // of the names by which the modules import each other, as lstm_core.notebook.carried has it
const START = "notebook/notebook.js"

/** @typedef {{ modules: [name: string, source: string][], styles: Record<string, string> }} Carried */
/** @typedef {typeof import("./notebook.js")} Start */
/** @typedef {import("./notebook.js").Model} Model */

export default {
  /** @param {{ model: Model, el: HTMLElement }} view */
  async render({ model, el }) {
    try {
      const start = await once(`gatescope ${model.get("version")}`, () => fromKernel(model))
      return await start.render({ model, el })
    } catch (error) {
      el.textContent = `This figure could not be drawn: ${error instanceof Error ? error.message : error}`
    }
  },
}

// Made once in this window; where it failed it is tried again the next time.
/** @type {(name: string, make: () => Promise<Start>) => Promise<Start>} */
function once(name, make) {
  const all = /** @type {Record<string, any>} */ (globalThis)
  all[name] ??= make().catch((error) => {
    delete all[name]
    throw error
  })
  return all[name]
}

/** @param {Model} model */
async function fromKernel(model) {
  /** @type {DataView[]} */
  const [modules, plotly] = await new Promise((resolve, reject) => {
    const late = () => reject(new Error("the kernel that made it does not answer. Run its cell again."))
    const timer = setTimeout(late, WAIT)
    model.on("msg:custom", (message, buffers) => {
      if (message?.kind !== "carried") return
      clearTimeout(timer)
      resolve(buffers)
    })
    model.send({ kind: "carry", plotly: !window.Plotly })
  })
  if (plotly?.byteLength && !window.Plotly) await run(await inflated(plotly))
  return assembled(JSON.parse(await inflated(modules)))
}

// The modules as blob: addresses, each after those that it imports; what starts comes last.
/** @param {Carried} carried @returns {Promise<Start>} */
async function assembled({ modules, styles }) {
  for (const [file, text] of Object.entries(styles)) style(document.head, file, text)
  style(document.head, "plotly.js", "") // which is here already: nobody asks for it
  /** @type {Map<string, string>} */
  const addresses = new Map()
  for (const [name, source] of modules) {
    let text = source
    for (const [other, address] of addresses) text = text.replaceAll(`"${PREFIX}${other}"`, `"${address}"`)
    addresses.set(name, URL.createObjectURL(new Blob([text], { type: "text/javascript" })))
  }
  const start = await import(/* @vite-ignore */ String(addresses.get(START)))
  start.dress((/** @type {Node} */ root) => {
    for (const [file, text] of Object.entries(styles)) style(root, file, text)
  })
  return start
}

/** @param {Node} parent @param {string} file @param {string} text */
function style(parent, file, text) {
  const node = document.createElement("style")
  node.dataset.file = file
  node.textContent = text
  parent.appendChild(node)
}

// A script of the window, whatever loader of modules (RequireJS) the notebook has.
/** @param {string} text */
async function run(text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }))
  await import(/* @vite-ignore */ address)
  URL.revokeObjectURL(address)
}

/** @param {DataView | Uint8Array<ArrayBuffer>} bytes */
const inflated = (bytes) =>
  new Response(new Blob([/** @type {any} */ (bytes)]).stream().pipeThrough(new DecompressionStream("gzip"))).text()

// ---- in a frame

/** @type {(document: Document, id: string) => Uint8Array<ArrayBuffer> | undefined} */
const packed = (document, id) => {
  const text = document.getElementById(id)?.textContent
  return text ? Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)) : undefined
}

// The figure whose parts stand in this document.
export async function frame() {
  const el = /** @type {HTMLElement} */ (document.getElementById("figure"))
  try {
    const plotly = await beside()
    if (!plotly)
      throw new Error("the notebook's first figure, which carries Plotly.js, is not here. Run all cells again.")
    await run(await inflated(plotly))
    const start = await assembled(JSON.parse(await inflated(packed(document, "modules") ?? new Uint8Array())))
    await start.draw(el, packed(document, "content") ?? new Uint8Array(), el.dataset.module ?? "")
  } catch (error) {
    el.textContent = `This figure could not be drawn: ${error instanceof Error ? error.message : error}`
  }
}

// Plotly.js as it stands here, or in another figure's frame, which may still be on its way.
async function beside() {
  for (const started = performance.now(); performance.now() - started < WAIT / 3;) {
    const own = packed(document, "plotly")
    if (own) return own
    for (const other of around()) {
      const theirs = packed(other, "plotly")
      if (theirs) return theirs
    }
    await new Promise((done) => setTimeout(done, 200))
  }
}

/** @returns {Document[]} */
function around() {
  try {
    const frames = Array.from(window.parent.document.querySelectorAll("iframe"))
    return frames.flatMap(({ contentDocument }) => contentDocument ?? [])
  } catch {
    return [] // the notebook is of another origin
  }
}
