// The menu of the tours that there are, and the line that offers the first of them on a first visit.
import { make } from "../page/dom.js"
import { firstVisit } from "./hints.js"
import { tr } from "../page/words.js"

/** @import { Offer } from "./types.d.ts" */

/** @type {(tour: Offer) => string} */
const length = ({ stops, minutes }) => tr("{stops} stops, {minutes} minutes", { stops, minutes })

// A button and the list that it opens. ``start(name)`` begins a tour.
export class Menu {
  /** @param {(name: string) => void} start */
  constructor(start) {
    this.start = start
    /** @type {Offer[]} */
    this.tours = []
    this.list = make("ul")
    const close = make("button", {
      type: "button",
      class: "gt-button",
      test: "gt-tours-close",
      text: tr("Close"),
      title: tr("Escape"),
      onclick: () => this.dialog.close(),
    })
    this.dialog = make(
      "dialog",
      { class: "gt-help gt-menu", test: "gt-menu", "aria-label": tr("Tours") },
      make("h2", { text: tr("Tours") }),
      make("p", {
        text: tr(
          "A tour leads through the pages and says a sentence or two at each stop. Page down and Page up lead on and back.",
        ),
      }),
      this.list,
      close,
    )
    this.button = make("button", {
      type: "button",
      class: "gt-button",
      test: "gt-tours",
      text: tr("Tours"),
      title: tr("Guided tours"),
      onclick: () => this.dialog.showModal(),
    })
  }

  /** @param {Offer[]} tours */
  take(tours) {
    this.tours = tours
    this.list.replaceChildren(
      ...tours.map((tour) =>
        make(
          "li",
          {},
          make("button", {
            type: "button",
            class: "gt-button",
            test: `gt-tour-${tour.name}`,
            text: tour.title,
            onclick: () => this.begin(tour.name),
          }),
          make("span", { text: length(tour) }),
        ),
      ),
    )
    this.button.hidden = !tours.length
  }

  /** @param {string} name */
  begin(name) {
    this.dialog.close()
    this.start(name)
  }
}

let away = false // for this visit; at the next one nothing is said

// Above the figure, once in a browser: what this page is, and the way to the first tour.
/** @param {HTMLElement} figure @param {Offer | undefined} tour @param {(name: string) => void} start */
export function welcome(figure, tour, start) {
  if (away || !tour || figure.querySelector(".gt-welcome") || !figure.querySelector(".gs-head") || !firstVisit()) return
  const close = () => {
    away = true
    node.remove()
    /** @type {HTMLElement | null} */
    const stage = figure.querySelector(".gs-stage")
    stage?.focus({ preventScroll: true })
  }
  const begin = () => {
    away = true
    node.remove()
    start(tour.name)
  }
  const node = make(
    "p",
    { class: "gt-welcome", test: "gt-welcome" },
    make("span", {
      text: tr(
        "New here? These networks read a sentence word by word and keep a memory. You see what each of their gates does at every word.",
      ),
    }),
    make("button", {
      type: "button",
      class: "gt-button",
      test: "gt-welcome-tour",
      text: tr("Take the tour: {length}", { length: length(tour) }),
      onclick: begin,
    }),
    make("button", {
      type: "button",
      class: "gt-button",
      test: "gt-welcome-close",
      text: "×",
      "aria-label": tr("Put this line away"),
      onclick: close,
    }),
  )
  figure.prepend(node)
}
