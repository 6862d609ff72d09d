// A saved page that lives: what is typed is read by both models in this browser, out of what stands in the file.
import draw from "../gates/gates.js"
import { make } from "../page/dom.js"
import { unpack } from "../page/unpack.js"
import { speak, tr } from "../page/words.js"
import { joined } from "../walk/text.js"
import { use } from "../page/origin.js"
import drawSteps from "../walk/walk.js"
import { content } from "./content.js"
import { drawing } from "./drawing.js"
import { parse } from "./file.js"
import { run } from "./run.js"
import { reader } from "./tokenizer.js"
import { walk } from "./walk.js"
import { wrote } from "./wrote.js"

/** @import { Cell, Known, Network, Reading, Run, Token } from "./types.d.ts" */

const WORK = 1e9 // products that a text may take: a second or so
const [FEWEST, MOST] = [300, 2000] // steps that are read, by the work of one
const STEPS = 300 // that can be walked through
const LONGEST = 100_000 // characters that are looked at

const drawn = /** @type {any} */ (window)
drawn.Plotly = drawing

/** @type {(id: string) => HTMLElement} */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id))

/** @type {(id: string) => Promise<Uint8Array>} */
async function inflated(id) {
  const bytes = Uint8Array.from(atob(element(id).textContent ?? ""), (letter) => letter.charCodeAt(0))
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

// Throws an Error with a sentence for a reader: the file was changed on its way.
/** @param {string} id @param {string} expected @param {string} name @returns {Promise<Network>} */
async function network(id, expected, name) {
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
function longest({ layers, embedding, readout }) {
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
async function reading(known, name, cell) {
  const one = networks.get(known.network) ?? network(known.network, known.sha256, name)
  networks.set(known.network, one)
  const model = await one
  return { ...known, model, cell, read: reader(model.tokenizer), before: null }
}

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
    this.frame = 0
    this.shown = template
    this.stepped = template.text
    /** @type {{ reading: Reading, run: Run, tokens: Token[] }[]} */
    this.sides = []
    this.box = make("textarea", {
      test: "gs-sentence",
      rows: "1",
      spellcheck: "false",
      autocomplete: "off",
      dir: "auto",
      "aria-label": tr("Sentence"),
      placeholder: tr("Type a sentence"),
    })
    this.box.value = template.text
    const chips = template.examples.map((/** @type {[string, string]} */ [label, text]) =>
      make("button", {
        type: "button",
        test: "gs-chip",
        class: "gs-chip",
        dir: "auto",
        title: text,
        text: label,
        onclick: () => this.write(text),
      }),
    )
    element("controls").append(
      make(
        "div",
        { class: "gs-controls" },
        make("div", { class: "gs-top" }, this.box, make("span", { class: "gs-name", text: "Gatescope" })),
        make("div", { class: "gs-row" }, make("div", { class: "gs-chips" }, ...chips)),
      ),
    )
    this.box.oninput = (event) => {
      this.grow()
      if (/** @type {InputEvent} */ (event).isComposing) return // letters of pinyin or kana on their way to characters
      cancelAnimationFrame(this.frame)
      this.frame = requestAnimationFrame(() => this.show()) // keys that come within one are drawn once
    }
    this.box.addEventListener("compositionend", () => this.show())
    this.box.onkeydown = (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) event.preventDefault()
    }
    const drawn = () => {
      this.offer()
      if (this.stepped !== this.shown.text) this.stepwise()
      this.stepped = this.shown.text
    }
    this.figure.addEventListener("gs:repaint", drawn, true)
    this.figure.addEventListener(
      "gs:cursor",
      (event) => this.tell(/** @type {HTMLElement} */ (event.target).dataset),
      true,
    )
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
    this.steps.before(make("p", { class: "gs-plot", "data-ready": "1" }, this.open))
    use({ pick: (/** @type {string} */ text) => this.write(text), change: () => {} }) // a next word that is clicked there
    this.grow()
    this.show()
  }

  // The cells step by step, or not.
  unfold() {
    this.steps.hidden = !this.steps.hidden
    this.open.setAttribute("aria-expanded", String(!this.steps.hidden))
    this.stepwise()
    /** @type {HTMLElement | null} */
    const root = this.steps.querySelector(".gw")
    if (!this.steps.hidden) root?.focus() // its keys are its own then
  }

  stepwise() {
    if (this.steps.hidden) return
    const long = this.sides.some(({ tokens }) => tokens.length > STEPS)
    this.open.textContent = long
      ? tr("Step by step is shown for up to {count} tokens.", { count: STEPS })
      : tr("Step by step")
    if (long) return
    const { step, unit, unit2 } = /** @type {HTMLElement} */ (this.figure.querySelector(".gs-plot")).dataset
    const data = walk(this.template.steps, this.shown.text, this.sides, [Number(unit), Number(unit2)], Number(step))
    const component = /** @type {any} */ ({ data: { ...data, place: "steps" }, parentElement: this.steps, turn: 1 })
    drawSteps(component, "")
  }

  /** @param {string} text */
  write(text) {
    this.box.value = text
    this.grow()
    this.show()
  }

  grow() {
    this.box.style.height = "auto"
    this.box.style.height = `${Math.min(this.box.scrollHeight + 2, 84)}px`
  }

  // Both models read what is written; what they cannot read is said.
  show() {
    try {
      this.read()
      report("")
    } catch (error) {
      report(
        tr("This text cannot be read: {reason}", { reason: error instanceof Error ? error.message : String(error) }),
      )
    }
  }

  read() {
    const begun = performance.now()
    const text = this.box.value.slice(0, LONGEST)
    /** @type {string[]} */
    const notices = []
    const sides = this.readings.map((reading, k) => {
      const all = reading.read(text)
      const tokens = all.slice(0, longest(reading.model))
      if (all.length > tokens.length) {
        const values = { title: this.template.sides[k].title, count: tokens.length, found: all.length }
        notices.push(tr("{title}: the first {count} of {found} tokens are shown.", values))
      }
      const made = run(
        reading.model,
        reading.cell,
        reading.declared,
        tokens.map(({ id }) => id),
        reading.before,
      )
      reading.before = made
      return { reading, run: made, tokens }
    })
    this.sides = sides
    const shown = content(this.template, text, sides, this.chosen, notices)
    const spent = (performance.now() - begun).toFixed(0)
    this.draw({ ...shown, quiet: tr("Computed in this browser in {spent} ms", { spent }) })
  }

  /** @param {any} shown */
  draw(shown) {
    this.shown = shown
    const component = /** @type {any} */ ({ data: { ...shown, place: "gates" }, parentElement: this.figure, turn: 1 })
    draw(component, "plotly.js")
  }

  // Who wrote what the figure speaks of.
  /** @param {DOMStringMap} figure */
  tell({ step, unit, unit2 }) {
    wrote(element("wrote"), this.sides, this.shown, [Number(unit), Number(unit2)], Number(step))
  }

  // A next word that is clicked goes on the text.
  offer() {
    this.readings.forEach((reading, k) => {
      const { words, tokens } = this.shown.sides[k].next
      const bars = Array.from(this.figure.querySelectorAll(`[data-testid=gs-next-${k}] .gs-bar`))
      for (const bar of /** @type {HTMLElement[]} */ (bars)) {
        const add = () => {
          const place = words.indexOf(bar.querySelector(".gs-bar-word")?.textContent)
          const text = place < 0 ? "" : adds(reading, tokens[place])
          if (text) this.write(joined(this.box.value, text))
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

/** @type {(reading: Reading, id: number) => string} */
function adds({ vocabulary: { bare, adds } }, id) {
  return ["", bare[id], `##${bare[id]}`][adds[id]]
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
      reading(known, template.sides[k].model, cells[k]),
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
