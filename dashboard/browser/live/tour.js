// A tour without a server: its bar, its rings, and the way from stop to stop. A stop with a ``place`` is on that page of a
// folder of pages; the others are on this one.
import { make } from "../page/dom.js"
import * as screen from "../page/screen.js"
import { tr } from "../page/words.js"
import { Ring } from "../talk/ring.js"
import { Menu } from "../talk/tours.js"

/** @typedef {{ page: string, query: Record<string, string>, line: string, ring: string[], press: string[], place?: string }} Stop */
/** @typedef {{ name: string, title: string, minutes: number, stops: Stop[] }} Tour */

export class Guide {
  /** @param {Tour[]} tours @param {(stop: Stop) => void} show */
  constructor(tours, show) {
    /** @type {(test: string, text: string, title: string, onclick: () => void) => HTMLElement} */
    const button = (test, text, title, onclick) =>
      make("button", { type: "button", class: "gt-button", test, text, title, onclick })
    this.tours = tours
    this.show = show
    /** @type {Tour | null} */
    this.tour = null
    this.at = 0
    /** @type {Ring<import("../talk/types.d.ts").Ringed>} */
    this.ring = new Ring(() => true)
    this.menu = new Menu((name) => this.go(name, 0))
    this.menu.take(tours.map(({ stops, ...about }) => ({ ...about, stops: stops.length })))
    this.place = make("span", { class: "gt-place", test: "gt-place" })
    this.line = make("p", { class: "gt-line", test: "gt-line", dir: "auto", "aria-live": "polite" })
    this.back = /** @type {HTMLButtonElement} */ (button("gt-back", "‹", tr("Previous view"), () => this.step(-1)))
    this.next = /** @type {HTMLButtonElement} */ (button("gt-next", "›", tr("Next view"), () => this.step(1)))
    const end = button("gt-end", tr("End the tour"), "", () => this.end())
    const attributes = { class: "gt-bar", test: "gt-bar", role: "region", "aria-label": tr("Tour"), hidden: "" }
    this.bar = make("div", attributes, this.back, this.place, this.next, this.line, end)
    document.body.append(this.bar, this.ring.root, this.menu.dialog)
    window.addEventListener("resize", () => this.fit())
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.fit())
    document.addEventListener("keydown", (event) => this.key(event), true)
    this.fit()
  }

  // The stop that the address names; whether there was one.
  arrive() {
    const asked = new URLSearchParams(window.location.search)
    const tour = this.tours.find(({ name }) => name === asked.get("tour"))
    const at = Number(asked.get("stop")) - 1
    if (!tour?.stops[at]) return false
    this.lead(tour, at)
    return true
  }

  /** @param {string} name @param {number} at */
  go(name, at) {
    const tour = this.tours.find((one) => one.name === name)
    const stop = tour?.stops[at]
    if (!tour || !stop) return
    const here = window.location.pathname.split("/").at(-1)
    const query = new URLSearchParams({ tour: name, stop: String(at + 1) })
    const [file, part] = (stop.place ?? "").split("#")
    if (file && file !== here) return window.location.assign(`${file}?${query}${part ? `#${part}` : ""}`)
    window.history.replaceState(null, "", `?${query}${part ? `#${part}` : ""}`)
    this.lead(tour, at)
  }

  /** @param {number} by */
  step(by) {
    if (this.tour) this.go(this.tour.name, this.at + by)
  }

  /** @param {Tour} tour @param {number} at */
  lead(tour, at) {
    const stop = tour.stops[at]
    Object.assign(this, { tour, at })
    this.place.textContent = `${at + 1} / ${tour.stops.length}`
    this.place.title = tour.title
    this.line.textContent = stop.line
    this.back.disabled = at === 0
    this.next.disabled = at === tour.stops.length - 1
    this.bar.hidden = false
    document.documentElement.classList.add("gs-tour")
    this.fit()
    this.show(stop)
    this.ring.show({ link: tour.name, at, ring: stop.ring, press: stop.press })
  }

  end() {
    this.tour = null
    this.bar.hidden = true
    this.ring.show(null)
    document.documentElement.classList.remove("gs-tour")
    window.history.replaceState(null, "", window.location.pathname)
    this.fit()
  }

  fit() {
    screen.present(false, this.bar.hidden ? 0 : this.bar.offsetHeight)
    const dark = screen.dark(document.body)
    for (const node of [this.bar, this.ring.root, this.menu.dialog]) node.classList.toggle("gt-dark", dark)
    window.dispatchEvent(new CustomEvent("gs:screen"))
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!this.tour || screen.writing() || !["PageDown", "PageUp"].includes(event.key)) return
    event.preventDefault()
    event.stopImmediatePropagation()
    this.step(event.key === "PageDown" ? 1 : -1)
  }
}
