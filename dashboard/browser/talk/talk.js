// What a talk needs on every page: presenting, a tour's bar with the speaker's line, the list of keys, a black screen.
import { away } from "../page/connection.js"
import { load, make } from "../page/dom.js"
import { hold } from "../page/hold.js"
import { hint } from "./hints.js"
import * as origin from "../page/origin.js"
import { Ring, onItsPage } from "./ring.js"
import * as screen from "../page/screen.js"
import { Menu, welcome } from "./tours.js"
import { remember } from "../page/url.js"
import { tr } from "../page/words.js"

/** @import { Offer, Stop, Talk as Told } from "./types.d.ts" */

export default hold(
  (/** @type {HTMLElement} */ parent) => new Talk(parent),
  (talk, { setStateValue, setTriggerValue }) => {
    talk.tell = (name, value) => void (away() || setTriggerValue(name, value)) // it would be lost
    origin.start((here) =>
      setStateValue("here", { ...here, tour: talk.tour && { link: talk.tour.link, at: talk.tour.at } }),
    )
  },
)

const keys = () => [
  [tr("P"), tr("present, and back")],
  ["?", tr("this list")],
  [
    tr("Page up, Page down"),
    tr("previous and next view of a tour; without one, previous and next step (a clicker sends these)"),
  ],
  ["← →", tr("previous and next step; in Step by step the stage")],
  ["↑ ↓", tr("with the figure in focus: another unit, in Step by step another word")],
  [tr("Home, End"), tr("first and last step")],
  [tr("Space"), tr("play and pause")],
  ["1 … 9, 0", tr("one row of the figure alone, and all of them")],
  ["+ −", tr("zoom in a long text")],
  ["F", tr("full screen")],
  ["V, X", tr("in Step by step: all units or one; guess before you see")],
  [tr("B or ."), tr("black screen")],
  [tr("Escape"), tr("leave the sentence, this list, the black screen, presenting")],
]

// Past the pages, the sentence and the examples, to what answers to the arrows.
function toFigure() {
  /** @type {HTMLElement | null | undefined} */
  const figure = [".gs-stage", ".gc-words [tabindex='0']", ".gw-words [tabindex='0']", ".gx-open", ".stMain"]
    .map((one) => /** @type {HTMLElement | null} */ (document.querySelector(one)))
    .find(Boolean)
  figure?.focus()
  figure?.scrollIntoView({ block: "nearest" })
}

function closeMenu() {
  /** @type {HTMLElement | null} */
  const button = document.querySelector("[data-testid=stSidebarCollapseButton] button")
  button?.click()
}

class Talk {
  /** @type {(name: string, value: unknown) => void} */
  tell = () => {} // to the server, once there is a way
  /** @type {Stop | null} */
  tour = null
  /** @type {Offer[]} */
  tours = []

  /** @param {HTMLElement} parent */
  constructor(parent) {
    load("link", new URL("talk.css", import.meta.url).href)
    /** @type {(test: string, text: string, title: string, onclick: () => void) => HTMLButtonElement} */
    const button = (test, text, title, onclick) =>
      make("button", { type: "button", class: "gt-button", test, text, title, onclick })
    const start = (/** @type {string} */ name) => this.tell("start", { name, address: window.location.href })
    this.menu = new Menu(start)
    this.ring = new Ring(onItsPage)
    this.title = make("h1", { class: "gt-title", test: "gt-title" }) // for who cannot see which page's name is underlined
    this.root = make(
      "div",
      { class: "gt-tools" },
      this.title,
      this.menu.button,
      button("gt-present", tr("Present"), "P", () => this.present(!screen.presenting())),
      button("gt-share", tr("Share"), tr("Link, QR code, a tour of your own"), () =>
        this.tell("share", window.location.href),
      ),
      button("gt-keys", "?", tr("Keys"), () => this.help.showModal()),
    )
    this.place = make("span", { class: "gt-place", test: "gt-place" })
    this.line = make("p", { class: "gt-line", test: "gt-line", dir: "auto", "aria-live": "polite" })
    this.back = button("gt-back", "‹", tr("Previous view"), () => this.go(-1))
    this.next = button("gt-next", "›", tr("Next view"), () => this.go(1))
    this.bar = make(
      "div",
      { class: "gt-bar", test: "gt-bar", role: "region", "aria-label": tr("Tour"), hidden: "" },
      this.back,
      this.place,
      this.next,
      this.line,
      button("gt-end", tr("End the tour"), "", () => this.tell("go", 0)),
    )
    this.help = make(
      "dialog",
      { class: "gt-help", test: "gt-help", "aria-label": tr("Keys") },
      make("h2", { text: tr("Keys") }),
      make("dl", {}, ...keys().flatMap(([key, what]) => [make("dt", { text: key }), make("dd", { text: what })])),
      button("gt-close", tr("Close"), tr("Escape"), () => this.help.close()),
    )
    this.skip = make("button", {
      type: "button",
      class: "gt-skip",
      test: "gt-skip",
      text: tr("Skip to the figure"),
      onclick: toFigure,
    })
    this.black = make("div", { class: "gt-black", test: "gt-black", hidden: "", onclick: () => this.darken(false) })
    this.over = [this.bar, this.ring.root, this.help, this.menu.dialog, this.black] // over the page: what is scaled with it would scroll with it, too
    parent.append(this.root)
    document.body.append(...this.over)
    document.body.prepend(this.skip)
    this.onKey = (/** @type {KeyboardEvent} */ event) => this.key(event)
    this.onResize = () => this.fit()
    this.greet = (/** @type {HTMLElement} */ figure) => {
      if (this.tour || screen.presenting()) return
      hint(figure)
      welcome(figure, this.tours[0], start)
    }
    this.onFigure = (/** @type {Event} */ { target }) => this.greet(/** @type {HTMLElement} */ (target))
    // In a small window the menu lies over the page: who has chosen wants to see that.
    this.onClick = (/** @type {Event} */ { target }) => {
      if (target instanceof Element && target.closest("[data-testid=stSidebarNavLink]")) setTimeout(closeMenu)
    }
    document.addEventListener("click", this.onClick)
    document.addEventListener("gs:repaint", this.onFigure, true) // a figure tells it to itself alone
    document.addEventListener("keydown", this.onKey, true) // before the page: with a tour a clicker walks through it
    window.addEventListener("resize", this.onResize)
    /** @type {boolean | undefined} */
    this.on = new URL(window.location.href).searchParams.get("present") === "1"
  }

  close() {
    document.removeEventListener("click", this.onClick)
    document.removeEventListener("keydown", this.onKey, true)
    window.removeEventListener("resize", this.onResize)
    document.removeEventListener("gs:repaint", this.onFigure, true)
    this.ring.close()
    for (const node of [this.root, this.skip, ...this.over]) node.remove()
    document.documentElement.classList.remove("gs-tour")
    screen.present(false, 0)
  }

  /** @param {Told} told */
  take({ tour, tours, page }) {
    this.title.textContent = page
    document.documentElement.style.setProperty("--gs-pages", JSON.stringify(tr("Pages")))
    this.tour = tour
    this.tours = tours
    this.menu.take(tours)
    this.ring.show(tour)
    this.bar.hidden = !tour
    document.documentElement.classList.toggle("gs-tour", Boolean(tour))
    if (tour) {
      this.place.textContent = `${tour.at + 1} / ${tour.count}`
      this.place.title = tour.title
      this.line.textContent = tour.line
    }
    this.back.disabled = !tour || tour.at === 0
    this.next.disabled = !tour || tour.at === tour.count - 1
    this.present(this.on ?? screen.presenting())
    this.on = undefined
    /** @type {HTMLElement | null} */
    const figure = document.querySelector(".gs-plot[data-ready]")
    if (figure) this.greet(figure) // it may have been drawn before
  }

  /** @param {boolean} on */
  present(on) {
    screen.present(on, 0)
    remember({ present: on ? 1 : null })
    this.fit()
  }

  // The bar's height depends on the screen, and what is left for the page on the bar.
  fit() {
    screen.present(screen.presenting(), 0)
    for (let again = 0; again < 2; again++)
      screen.present(screen.presenting(), this.bar.hidden ? 0 : this.bar.offsetHeight)
    for (const node of this.over) node.classList.toggle("gt-dark", screen.dark(this.root))
    document.documentElement.classList.toggle("gs-night", screen.dark(this.root))
    window.dispatchEvent(new CustomEvent("gs:screen"))
  }

  /** @param {number} by */
  go(by) {
    if (!this.tour) return
    const next = this.tour.at + by
    if (next >= 0 && next < this.tour.count) this.tell("go", by)
  }

  /** @param {boolean} on */
  darken(on) {
    this.black.hidden = !on
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || screen.writing() || this.help.open || this.menu.dialog.open)
      return
    /** @type {Record<string, () => void>} */
    const acts = {
      p: () => this.present(!screen.presenting()),
      "?": () => this.help.showModal(),
      b: () => this.darken(Boolean(this.black.hidden)),
      ".": () => this.darken(Boolean(this.black.hidden)),
      ...(this.tour && { PageDown: () => this.go(1), PageUp: () => this.go(-1) }),
      ...(screen.presenting() && !document.fullscreenElement && { Escape: () => this.present(false) }),
      ...(!this.black.hidden && { Escape: () => this.darken(false) }),
    }
    const act = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key]
    if (!act) return
    event.preventDefault()
    event.stopImmediatePropagation()
    act()
  }
}
