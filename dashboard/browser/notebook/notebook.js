// A figure of the page in somebody else's page, a notebook: drawn into a cell's output, in the notebook's colours. Its
// step and units are the kernel's as well: what is chosen here is set there, and the other way round.
import { Chart } from "../chart/chart.js"
import { Figure } from "../gates/gates.js"
import { make } from "../page/dom.js"
import { unpack } from "../page/unpack.js"
import { stay } from "../page/url.js"
import { follow } from "./follow.js"
import { colours, ground } from "./look.js"

/** What a widget knows of its kernel: anywidget's model.
 * @typedef {{ get(name: string): any, set(name: string, value: unknown): void, save_changes(): void,
 *   on(event: string, heard: (...values: any[]) => void): void, off(event: string, heard: (...values: any[]) => void): void,
 *   send(message: unknown): void }} Model */

stay() // its address and its keys are the notebook's

/** @type {(root: Node) => void} */
let dresses = () => {}

// ``style(root)`` puts the style sheets into a root of their own, which does not see the document's.
/** @param {(root: Node) => void} style */
export function dress(style) {
  dresses = style
}

/** @param {{ model: Model, el: HTMLElement }} view */
export async function render({ model, el }) {
  const content = model.get("content")
  const view = await draw(el, content, model.get("module"))
  const ends = follow(followed(view.figure), model)
  const renew = async () => view.take(model.get("content"), [model.get("unit"), model.get("unit2")])
  model.on("change:content", renew)
  if (model.get("content") !== content) await renew()
  return () => {
    ends()
    model.off("change:content", renew)
    view.close()
  }
}

// A chart has steps alone.
/** @param {Figure | Chart} figure @returns {import("./follow.js").Followed} */
function followed(figure) {
  if (figure instanceof Figure) return figure
  figure.choice.tell = () => {
    figure.choice.forget() // the kernel has it at once
    figure.root.dispatchEvent(new CustomEvent("gs:cursor"))
  }
  const moveTo = (/** @type {number} */ step) => figure.choose(step)
  return {
    root: figure.root,
    moveTo,
    pickUnit() {},
    has: () => false,
    units: [],
    get at() {
      return figure.step
    },
  }
}

// A figure in ``el``, of bytes that were packed and compressed; ``module`` says which.
/** @param {HTMLElement} el @param {DataView | Uint8Array<ArrayBuffer>} bytes @param {string} module */
export async function draw(el, bytes, module) {
  const root = el.getRootNode()
  if (root instanceof ShadowRoot) dresses(root)
  const box = make("div", { class: "gs-guest", "data-guest": "", "data-lm-suppress-shortcuts": "true" })
  el.append(box)
  const paint = () => Object.entries(colours(ground(el))).forEach(([name, value]) => box.style.setProperty(name, value))
  paint()
  const figure = module.startsWith("chart") ? new Chart(box, "plotly.js") : new Figure(box, "plotly.js")
  /** @param {DataView | Uint8Array<ArrayBuffer>} bytes @param {number[]} [picked] */
  const take = async (bytes, picked) => {
    const data = unpack(new Uint8Array(await inflated(bytes)))
    if (picked && "picked" in figure) figure.picked = picked
    await figure.take(data)
  }
  let seen = JSON.stringify(colours(ground(el)))
  const watch = new MutationObserver(() => {
    const now = JSON.stringify(colours(ground(el)))
    if (now === seen) return
    seen = now
    paint()
    figure.redraw()
  })
  for (const node of [document.documentElement, document.body]) watch.observe(node, { attributes: true })
  await take(bytes)
  const close = () => {
    watch.disconnect()
    figure.close()
    box.remove()
  }
  return { figure, take, close }
}

/** @param {DataView | Uint8Array<ArrayBuffer>} bytes */
const inflated = (bytes) =>
  new Response(
    new Blob([/** @type {any} */ (bytes)]).stream().pipeThrough(new DecompressionStream("gzip")),
  ).arrayBuffer()
