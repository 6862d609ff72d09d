// A saved page that lives: what is typed is read by both models in this browser, out of what stands in the file.
import { drawing } from "../gates/drawing.js"
import draw from "../gates/gates.js"
import { After } from "../page/after.js"
import { make } from "../page/dom.js"
import { arrive } from "../page/url.js"
import { unpack } from "../page/unpack.js"
import { speak, tr } from "../page/words.js"
import { joined } from "../walk/text.js"
import { use } from "../page/origin.js"
import * as sentence from "../page/sentence.js"
import { welcome } from "../talk/tours.js"
import drawSteps from "../walk/walk.js"
import { Box } from "./box.js"
import { inflated, reading } from "./carried.js"
import { content } from "./content.js"
import { pausing } from "./read.js"
import { Guide } from "./tour.js"
import { preparing, walk } from "./walk.js"
import { WhatIf } from "./what_if.js"
import { wrote } from "./wrote.js"

/** @import { Known, Reading, Run, Token } from "./types.d.ts" */

const LONGEST = 100_000 // characters that are looked at
const AT_ONCE = 50 // milliseconds of work before the page answers again

const drawn = /** @type {any} */ (window)
drawn.Plotly = drawing

/** @type {(id: string) => HTMLElement} */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id))

class Live {
  /** @param {any} template @param {Reading[]} readings */
  constructor(template, readings) {
    this.template = template
    this.readings = readings
    this.chosen = readings.map(() => ({
      unit: /** @type {number | null} */ (null),
      rows: /** @type {Set<number>} */ (new Set()),
    }))
    this.figure = element("figure")
    this.after = new After()
    /** @type {Element | null | undefined} */
    this.left = undefined // what had the focus when the steps were asked for
    this.begun = 0 // times that the figure began anew
    this.places = [make("div"), make("div")]
    this.shown = template
    this.nothing = false
    this.stepped = template.text
    /** @type {{ reading: Reading, run: Run, tokens: Token[] }[]} */
    this.sides = []
    this.guide = new Guide(/** @type {any} */ (window).gatescopeTours ?? template.tours ?? [], (stop) =>
      this.stop(stop),
    )
    const led = () => this.guide.tour !== null
    this.box = new Box(template.text, template.examples, this.guide.menu.button, (writing) => this.show(writing), led)
    element("controls").append(this.box.root)
    const drawn = (/** @type {Event} */ { target }) => {
      if (!this.guide.tour)
        welcome(/** @type {HTMLElement} */ (target), this.guide.menu.tours[0], (name) => this.guide.go(name, 0))
      this.offer()
      this.follow()
    }
    this.figure.addEventListener("gs:repaint", drawn, true)
    this.figure.addEventListener("gs:cursor", () => this.follow(), true)
    window.matchMedia("(prefers-color-scheme: dark)").onchange = () => this.draw(this.shown)
    this.steps = element("steps")
    this.open = make("button", {
      type: "button",
      test: "gs-steps",
      class: "gs-button",
      "aria-expanded": "false",
      text: tr("Step by step"),
      onclick: () => this.unfold(),
    })
    this.whatIf = new WhatIf(element("if"))
    this.ask = make("button", {
      type: "button",
      test: "gs-if",
      class: "gs-button",
      "aria-expanded": "false",
      text: tr("What if"),
      onclick: () => this.suppose(!this.whatIf.root.hidden),
    })
    this.steps.before(make("p", { class: "gs-plot gs-unfold", "data-ready": "1" }, this.open, this.ask))
    use({ pick: (/** @type {string} */ text) => this.box.write(text), change: () => {} }) // a next word that is clicked there
    this.begin()
    if (!this.guide.arrive()) this.show()
  }

  // The figure begins anew, with what the address or a stop of a tour says of it.
  begin() {
    this.begun += 1
    clearTimeout(this.walking)
    this.leave?.()
    this.leaveSteps?.()
    this.leave = this.leaveSteps = undefined
    for (const one of this.chosen) Object.assign(one, { unit: null, rows: new Set() })
    this.places = [make("div"), make("div")]
    this.figure.replaceChildren(this.places[0])
    this.steps.replaceChildren(this.places[1])
  }

  // What a stop of a tour is about.
  /** @param {import("./tour.js").Stop} stop */
  stop({ page, query }) {
    arrive(this.begun, new URLSearchParams(query).toString())
    this.begin()
    this.fold(page !== "step_by_step")
    this.suppose(page !== "what_if")
    this.whatIf.chosen = []
    this.stepped = null
    this.box.write(query.text ?? this.template.text)
  }

  /** @param {boolean} hidden */
  fold(hidden) {
    this.steps.hidden = hidden
    this.open.setAttribute("aria-expanded", String(!hidden))
  }

  // What would have been, or not.
  /** @param {boolean} hidden */
  suppose(hidden) {
    this.whatIf.root.hidden = hidden
    this.ask.setAttribute("aria-expanded", String(!hidden))
    this.follow()
  }

  // The cells step by step, or not.
  unfold() {
    this.fold(!this.steps.hidden)
    this.left = document.activeElement
    this.stepped = null // is drawn with the figure, which a long text may still be read for
    this.follow()
  }

  // Of a long text it is made in pieces. When it stands there its keys are its own, if it was asked for and nothing since.
  stepwise() {
    clearTimeout(this.walking)
    if (this.steps.hidden || this.nothing) return
    const { step, unit, unit2 } = /** @type {HTMLElement} */ (this.figure.querySelector(".gs-plot")).dataset
    const data = walk(this.template.steps, this.shown.text, this.sides, [Number(unit), Number(unit2)], Number(step))
    const place = { place: `steps ${this.begun}` }
    const component = /** @type {any} */ ({ data: { ...data, ...place }, parentElement: this.places[1], turn: 1 })
    const coming = preparing(data)
    const goOn = () => {
      const until = performance.now() + AT_ONCE
      while (performance.now() < until)
        if (coming.next().done) {
          this.leaveSteps = drawSteps(component, "")
          /** @type {HTMLElement | null} */
          const root = this.steps.querySelector(".gw")
          if (this.left === document.activeElement) root?.focus()
          this.left = undefined
          return
        }
      this.walking = setTimeout(goOn)
    }
    goOn()
  }

  // Both models read what is written; what they cannot read is said.
  /** @param {boolean} [writing] at its end */
  show(writing = sentence.writing(this.box.area)) {
    this.writing = writing
    const text = this.box.text.slice(0, LONGEST)
    const titles = this.template.sides.map((/** @type {any} */ { title }) => title)
    this.goOn(text, pausing(this.readings, titles, text), performance.now())
  }

  // Between two pieces of a long text the page answers, and another text may come.
  /** @param {string} text @param {ReturnType<typeof pausing>} coming @param {number} begun */
  goOn(text, coming, begun) {
    clearTimeout(this.pause)
    clearTimeout(this.resting)
    try {
      const { done, value } = coming.next()
      if (done) this.read(text, value, begun)
      else this.pause = setTimeout(() => this.goOn(text, coming, begun))
      report(done ? "" : tr("This text is long: it is still being read."))
    } catch (error) {
      report(
        tr("This text cannot be read: {reason}", { reason: error instanceof Error ? error.message : String(error) }),
      )
    }
  }

  /** @param {string} text @param {import("./read.js").Read} made @param {number} begun */
  read(text, { sides, notices }, begun) {
    this.after.stop() // what was to be said of another text
    this.sides = sides
    this.nothing = sides.every(({ tokens }) => !tokens.length)
    document.body.classList.toggle("nothing", this.nothing) // what stands below speaks of a text
    const shown = content(this.template, text, sides, this.chosen, notices, this.writing)
    if (shown.unfinished) this.resting = setTimeout(() => this.show(false), sentence.REST)
    const spent = (performance.now() - begun).toFixed(0)
    this.draw({ ...shown, quiet: tr("Computed in this browser in {spent} ms", { spent }) })
  }

  /** @param {any} shown */
  draw(shown) {
    this.shown = shown
    const place = { place: `gates ${this.begun}` }
    const component = /** @type {any} */ ({ data: { ...shown, ...place }, parentElement: this.places[0], turn: 1 })
    this.leave = draw(component, "plotly.js")
  }

  // What stands below the figure comes after its paint: who wrote what it speaks of, what would have been, and the cells.
  follow() {
    const figure = /** @type {HTMLElement | null} */ (this.figure.querySelector(".gs-plot"))
    if (this.nothing || !figure?.dataset.step) return
    const { step, unit, unit2 } = figure.dataset
    const units = [Number(unit), Number(unit2)]
    const { sides, shown, template, whatIf } = this
    this.after.paint([
      () => wrote(element("wrote"), sides, shown, units, Number(step)),
      () => whatIf.root.hidden || whatIf.show(sides, shown, template.steps, units, Number(step)),
      () => {
        if (this.stepped !== shown.text) this.stepwise()
        this.stepped = shown.text
      },
    ])
  }

  // A next word that is clicked goes on the text.
  offer() {
    this.readings.forEach((_, k) => {
      const { words, adds } = this.shown.sides[k].next
      const bars = Array.from(this.figure.querySelectorAll(`[data-testid=gs-next-${k}] .gs-bar`))
      for (const bar of /** @type {HTMLElement[]} */ (bars)) {
        const add = () => {
          const place = words.indexOf(bar.querySelector(".gs-bar-word")?.textContent)
          const text = adds[place]
          if (text) this.box.write(joined(this.box.text, text))
        }
        Object.assign(bar, {
          onclick: add,
          onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && add(),
          tabIndex: 0,
        })
        bar.setAttribute("role", "button")
        bar.title = tr("Goes on the text")
      }
    })
  }
}

/** @type {(message: string) => void} */
function report(message) {
  element("waiting").textContent = message
  element("waiting").hidden = !message
}

try {
  const template = unpack(await inflated("content"))
  await speak(template.language)
  const cells = await Promise.all(
    template.known.map((/** @type {any} */ _, /** @type {number} */ k) => import(`gatescope/cell/${k}`)),
  )
  const readings = await Promise.all(
    template.known.map((/** @type {Known} */ known, /** @type {number} */ k) =>
      reading(known, template.sides[k].model, cells[k], () => inflated(/** @type {string} */ (known.network))),
    ),
  )
  new Live(template, readings)
} catch (error) {
  report(
    error instanceof Error && error.cause
      ? error.message
      : tr("This file could not be read: it is damaged, or this browser is older than 2023."),
  )
  console.error(error)
}
