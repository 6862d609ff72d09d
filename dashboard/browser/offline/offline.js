// @ts-nocheck
// A saved page: the figure as the page draws it, out of what stands in the file.
import draw from "../gates/gates.js"
import { unpack } from "../page/unpack.js"
import { speak } from "../page/words.js"

const bytes = (id) => Uint8Array.from(atob(document.getElementById(id).textContent), (letter) => letter.charCodeAt(0))
const inflated = (id) => new Response(new Blob([bytes(id)]).stream().pipeThrough(new DecompressionStream("gzip")))

const plotly = document.createElement("script")
plotly.dataset.file = "plotly.js"
plotly.textContent = await inflated("plotly").text()
document.head.append(plotly)
const data = unpack(new Uint8Array(await inflated("content").arrayBuffer()))
await speak(data.language)
const parentElement = document.getElementById("figure")
const show = () => draw({ data, parentElement }, "plotly.js")
show()
window.matchMedia("(prefers-color-scheme: dark)").onchange = show
document.getElementById("waiting").remove()
