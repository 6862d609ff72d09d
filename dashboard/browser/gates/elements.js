// What a figure is made of: the line of words, the buttons, the stage, what stands beside it and below.
import { make } from "../page/dom.js"
import { change } from "../page/origin.js"
import { tr } from "../page/words.js"

/** @import { FigureElement } from "../types.d.ts" */
/** @import { Figure } from "./gates.js" */

/** @type {(test: string, text: string, title: string, onclick: () => unknown) => HTMLButtonElement} */
const button = (test, text, title, onclick) =>
  make("button", { type: "button", test, text, title, onclick, class: "gs-button" })

/** @param {Figure} figure */
export function elements(figure) {
  const caption = make("p", { class: "gs-caption", test: "gs-caption", "aria-live": "polite" })
  const notice = make("p", { class: "gs-notice", test: "gs-notice", role: "status" })
  const empty = make("p", {
    class: "gs-empty",
    test: "gs-empty",
    text: tr("Type a sentence above, or choose an example."),
    hidden: "",
  })
  const plot = make("div", { class: "gs-canvas" })
  const swift = make("div", { class: "gs-canvas", test: "gs-swift", hidden: "" }) // what is drawn within a key's time
  const labelLayer = make("div", { class: "gs-layer", "aria-hidden": "true" })
  const slider = { role: "slider", "aria-label": tr("Time cursor"), "aria-valuemin": "1" }
  const stage = make("div", { class: "gs-stage", test: "gs-stage", tabindex: "0", ...slider }, plot, swift, labelLayer)
  const sheet = make("div", { class: "gs-sheet" }, stage) // a slider may hold nothing that has keys of its own
  const readout = make("aside", { class: "gs-readout", test: "gs-readout", "aria-label": tr("At the cursor") })
  const step = button("gs-step", "", tr("Or double-click a square of the figure"), () => openStep(figure))
  const below = notes()
  const body = make("div", { class: "gs-body" }, sheet, readout, below.root)
  const tip = make("div", { class: "gs-tip", role: "tooltip", hidden: "" })
  const tools = toolbar(figure)
  const head = make("div", { class: "gs-head" }, caption, tools.root)
  /** @type {FigureElement} */
  const root = make("div", { class: "gs-plot", test: "gs-plot", role: "group" }, ...[head, notice, empty, body, tip])
  return { root, caption, tools, notice, empty, plot, swift, labelLayer, stage, sheet, readout, step, below, body, tip }
}

/** @param {Figure} figure */
function toolbar(figure) {
  const sort = make("select", {
    test: "gs-sort",
    "aria-label": tr("Order of the units"),
    onchange: () => figure.sortUnits(sort.value),
  })
  const show = make("select", {
    test: "gs-show",
    "aria-label": tr("Which units have a row"),
    onchange: () => change({ show: show.value }),
  })
  const showLabel = make("label", {}, tr("Units"), " ", show)
  const play = button("gs-play", tr("Play"), tr("Space"), () => figure.play(!figure.timer))
  const zoom = make(
    "span",
    { class: "gs-tools" },
    button("gs-closer", tr("Zoom in"), "+", () => figure.zoom(0.5)),
    button("gs-further", tr("Zoom out"), "−", () => figure.zoom(2)),
  )
  const film = button("gs-gif", "GIF", tr("Save the play as a film"), () => figure.film())
  const offline = button("gs-offline", tr("Offline HTML"), tr("Save the figure as one file for any browser"), () =>
    figure.ask?.("offline", figure.chosen()),
  )
  const made = make("span", { class: "gs-tools" }, film, offline) // by the server
  const root = make(
    "div",
    { class: "gs-tools" },
    play,
    zoom,
    showLabel,
    make("label", {}, tr("Sort units by"), " ", sort),
    button("gs-png", "PNG", tr("Save the grid as a picture"), () => figure.save("png")),
    button("gs-svg", "SVG", tr("Save the grid as a drawing"), () => figure.save("svg")),
    made,
    button("gs-full", tr("Full screen"), "f", () => figure.fullScreen()),
  )
  return { root, sort, show, showLabel, play, zoom, film, made }
}

function notes() {
  const scales = make("div", { class: "gs-scales" })
  const tints = make("p", { class: "gs-tints", test: "gs-tints" })
  const summed = make("div", { class: "gs-honesty", test: "gs-summed" })
  const honesty = make("div", { class: "gs-honesty", test: "gs-honesty" })
  const quiet = make("p", { class: "gs-quiet", test: "gs-quiet" })
  const root = make("div", { class: "gs-notes" }, scales, tints, summed, honesty, quiet)
  return { root, scales, tints, summed, honesty, quiet }
}

// The page "Step by step", at this word and with these units.
/** @param {Figure} figure */
export function openStep(figure) {
  figure.tell()
  /** @type {HTMLElement | null} */
  const link = document.querySelector(
    '[data-testid=stTopNavLink][href*="/step_by_step"], [data-testid=stSidebarNavLink][href*="/step_by_step"]',
  )
  if (link) return link.click()
  const { origin, pathname, search } = window.location
  window.location.assign(`${origin}${pathname.replace(/\/?$/, "/")}step_by_step${search}`)
}
