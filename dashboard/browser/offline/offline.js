// A saved page: the figure as the page draws it, out of what stands in the file.
import { Figure } from "../gates/gates.js"
import { unpack } from "../page/unpack.js"
import { speak } from "../page/words.js"

/** @type {(id: string) => HTMLElement} */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id))
/** @type {(id: string) => Uint8Array<ArrayBuffer>} */
const bytes = (id) => Uint8Array.from(atob(element(id).textContent), (letter) => letter.charCodeAt(0))
/** @type {(id: string) => Response} */
const inflated = (id) => new Response(new Blob([bytes(id)]).stream().pipeThrough(new DecompressionStream("gzip")))

const plotly = document.createElement("script")
plotly.dataset.file = "plotly.js"
plotly.textContent = await inflated("plotly").text()
document.head.append(plotly)
const data = unpack(new Uint8Array(await inflated("content").arrayBuffer()))
await speak(data.language)
const figure = new Figure(element("figure"), "plotly.js")
const show = () => figure.take(data)
show()
window.matchMedia("(prefers-color-scheme: dark)").onchange = show
element("waiting").remove()
