// The sentence, the examples and the choice of models. Typing is sent when it pauses; Enter, a chip or a list at once.
// What this browser answers itself is sent after a longer pause, for the server's own trace of it.
import { answered, fits } from "../page/answers.js"
import { away, running, settling } from "../page/connection.js"
import { fill, load, make } from "../page/dom.js"
import { hold } from "../page/hold.js"
import * as origin from "../page/origin.js"
import { fitPaper } from "../page/print.js"
import * as sentence from "../page/sentence.js"
import { cursor, leave, long, picked, remember } from "../page/url.js"
import { tr } from "../page/words.js"

const PAUSE = 150 // milliseconds
const { REST } = sentence

/** @import { Option } from "../page/dom.js" */
/** @import { Chosen, Component, Settings } from "../types.d.ts" */

/** What dashboard/controls sends.
 * @typedef {object} Offered
 * @property {Settings} settings
 * @property {Partial<Settings>} defaults
 * @property {string | null} yours
 * @property {Record<string, string>} models what to show for each name
 * @property {[label: string, text: string][]} examples
 * @property {number} layers
 * @property {number} directions
 * @property {{ left: string, right: string, label: string }} [instead] a pair that is offered for this text
 * @property {{ text: string, left: string, right: string }} [moved] those that are shown instead of others
 * @property {boolean} [unfinished] the last word, which somebody is still writing, is not called unknown yet
 * @property {string[]} [strays] examples that others would read: who clicks one has chosen those that are shown */

export default hold(
  (parent) => new Controls(parent),
  (controls, /** @type {Component<Offered>} */ { setStateValue }) => {
    controls.set = setStateValue
  },
)

class Controls {
  /** @type {(name: string, value: unknown) => void} */
  set = () => {} // to the server, once there is a way
  /** @type {Settings | undefined} */
  settings = undefined
  /** @type {Offered | undefined} */
  data = undefined
  /** @type {string | undefined} */
  typed = undefined // what is not sent yet
  /** @type {string[] | undefined} */
  earlier = undefined // the examples of the model before
  /** @type {string | undefined} */
  page = undefined
  /** @type {string | undefined} */
  grown = undefined // the text that the box is as high as
  /** @type {number | undefined} */
  timer = undefined
  /** @type {number | undefined} */
  resting = undefined
  /** @type {number | undefined} */
  finishing = undefined
  writing = false // at the end of the text, so that its last word may go on
  unsaid = false // chosen, and not sent yet
  leaves = false // what is typed is for other models than those that are shown
  /** @type {number | undefined} */
  waiting = undefined
  /** @type {Record<string, unknown>} */
  unsent = {} // by name, while the page runs for the first time
  fresh = true

  /** @param {HTMLElement} parent */
  constructor(parent) {
    load("link", new URL("controls.css", import.meta.url).href)
    this.box = sentence.box()
    this.chips = make("div", { class: "gs-chips" })
    /** @type {(test: string, label: string, name: keyof Settings) => HTMLSelectElement} */
    const select = (test, label, name) => {
      const chosen = make("select", {
        test,
        "aria-label": label,
        onchange: () => this.change({ [name]: chosen.value }),
      })
      return chosen
    }
    this.left = select("gs-left", tr("Model on the left"), "left")
    this.left.addEventListener("change", () => (this.earlier = this.data?.examples.map(([, text]) => text)))
    this.right = select("gs-right", tr("Model on the right"), "right")
    this.layer = select("gs-layer", tr("Layer"), "layer")
    this.direction = select("gs-direction", tr("Direction"), "direction")
    this.layerLabel = make("label", {}, tr("layer"), " ", this.layer)
    this.directionLabel = make("label", {}, tr("reads"), " ", this.direction)
    this.instead = make("button", {
      type: "button",
      test: "gs-instead",
      class: "gs-chip gs-instead",
      hidden: "",
      onclick: () => {
        const { left, right } = this.data?.instead ?? {}
        this.change({ left, right })
      },
    })
    this.models = make(
      "div",
      { class: "gs-models" },
      this.left,
      make("span", { text: tr("beside") }),
      this.right,
      this.layerLabel,
      this.directionLabel,
    )
    this.models.prepend(this.instead)
    this.root = make(
      "div",
      { class: "gs-controls" },
      make(
        "div",
        { class: "gs-top" },
        this.box,
        make("a", { class: "gs-name", href: ".", target: "_self", text: "Gatescope" }),
      ),
      make("div", { class: "gs-row" }, this.chips, this.models),
    )
    parent.append(this.root)
    this.box.addEventListener("compositionend", () => this.type())
    this.box.oninput = (event) => {
      if (event instanceof InputEvent && event.isComposing)
        this.grow() // letters of pinyin or kana on their way to characters
      else this.type()
    }
    this.box.onkeydown = (event) => {
      if (event.key === "Escape" && !event.isComposing) {
        event.stopPropagation() // from presenting, the next one leaves
        this.box.blur() // in it the page's keys are letters
        return
      }
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return
      event.preventDefault()
      this.now(true)
    }
    this.box.onblur = () => (this.typed !== undefined || this.unsaid) && this.now() // what is clicked next may be about it
    this.onClick = (/** @type {Event} */ { target }) => {
      if (target instanceof Element && target.closest("[data-testid=stTopNavLink], [data-testid=stSidebarNavLink]"))
        leave()
    }
    document.addEventListener("click", this.onClick, true) // before Streamlit goes there
    this.onPaper = fitPaper()
    this.observer = new ResizeObserver(() => this.grow())
    this.observer.observe(this.root)
  }

  close() {
    this.onPaper()
    clearTimeout(this.timer)
    clearTimeout(this.resting)
    clearTimeout(this.finishing)
    clearTimeout(this.waiting)
    document.removeEventListener("click", this.onClick, true)
    this.observer.disconnect()
    this.root.remove()
  }

  /** @param {Offered} data */
  take(data) {
    this.data = data
    origin.use(this, this)
    const turned = this.page !== window.location.pathname
    this.page = window.location.pathname
    if (turned) this.fresh = true
    const goesOn = turned && cursor() // what the server does not know
    const first = !this.settings
    this.settings ??= { ...data.settings } // from then on the browser knows better
    const text = first ? long() : null
    if (text !== null) this.change({ text })
    else if (first || turned) this.address()
    if (data.moved && data.moved.text === this.settings.text && !this.settings.picked) {
      if (data.moved.left !== this.settings.left) remember({ unit: null, unit2: null }) // other models have other units
      Object.assign(this.settings, { left: data.moved.left, right: data.moved.right })
      this.address()
    }
    this.instead.hidden = !data.instead
    this.instead.textContent = data.instead?.label ?? ""
    if (goesOn) this.send("cursor", goesOn)
    for (const side of /** @type {const} */ (["left", "right"]))
      if (!(this.settings[side] in data.models)) this.settings[side] = data.settings[side] // it is no more
    const mine = document.activeElement === this.box
    if (!mine && this.box.value !== this.settings.text) this.box.value = this.settings.text
    if (!this.box.value && !mine) this.box.value = this.settings.text
    const models = Object.entries(data.models)
    fill(this.left, models, this.settings.left)
    fill(this.right, models, this.settings.right)
    fill(
      this.layer,
      Array.from({ length: data.layers }, (_, k) => /** @type {Option} */ ([k, String(k)])),
      Math.min(Number(this.settings.layer), data.layers - 1), // what is drawn where these models have no such layer
    )
    /** @type {Option[]} */
    const directions = [
      [0, tr("forward")],
      [1, tr("backward")],
    ]
    const direction = Math.min(Number(this.settings.direction), data.directions - 1)
    fill(this.direction, directions.slice(0, data.directions), direction)
    this.layerLabel.hidden = data.layers < 2
    this.directionLabel.hidden = data.directions < 2
    const signature = JSON.stringify(data.examples)
    if (this.chips.dataset.examples !== signature) {
      this.chips.dataset.examples = signature
      this.chips.replaceChildren(
        ...data.examples.map(([label, text]) =>
          make(
            "button",
            {
              type: "button",
              test: "gs-chip",
              class: "gs-chip",
              dir: "auto",
              title: text,
              onclick: () => this.pick(text, this.data?.strays?.includes(text) ? { picked: 1 } : {}),
            },
            label,
            ...(label === text ? [] : [make("span", { class: "gs-chip-text", text })]),
          ),
        ),
      )
    }
    if (this.grown !== this.box.value) this.grow()
    if (this.earlier && data.settings.left === this.settings.left) this.another(data.examples.map(([, text]) => text))
    if (!this.writing) this.finish()
    origin.check()
  }

  // What a figure has to be of.
  written() {
    return { ...this.settings, text: this.typed ?? this.settings?.text, yours: this.data?.yours }
  }

  // Typed text is sent when it pauses.
  type() {
    this.grow()
    this.typed = this.box.value
    this.writing = sentence.writing(this.box)
    clearTimeout(this.finishing)
    this.finishing = setTimeout(() => this.finish(), REST)
    const rest = answered(this.box.value) ? REST : 0
    const others = !fits(this.box.value)
    const pause = others && !this.leaves ? 0 : PAUSE // other models are asked for at the first letter
    this.leaves = others
    origin.touched()
    clearTimeout(this.timer)
    clearTimeout(this.resting)
    this.timer = setTimeout(() => this.change({ text: this.box.value }, false, rest), pause)
  }

  // Nobody is writing any more: what the server has not said of the last word is asked for.
  finish() {
    this.writing = false
    const { unfinished, settings } = this.data ?? {}
    if (unfinished && this.typed === undefined && settings?.text === this.settings?.text) this.say()
  }

  // Another task has examples of its own; what the visitor typed stays.
  /** @param {string[]} texts */
  another(texts) {
    const text = this.settings?.text ?? ""
    const given = this.earlier?.includes(text) && !texts.includes(text)
    this.earlier = undefined
    if (given && texts.length) this.pick(texts[0])
  }

  // ``more``: what else is chosen with it.
  /** @param {string} text @param {Partial<Settings>} [more] */
  pick(text, more = {}) {
    this.box.value = text
    this.grow()
    answered(text)
    this.now(false, more)
  }

  // What is written is said at once.
  /** @param {boolean} [force] @param {Partial<Settings>} [more] */
  now(force = false, more = {}) {
    clearTimeout(this.timer)
    this.writing = false
    this.change({ text: this.box.value, ...more }, force)
  }

  // ``rest``: milliseconds until it is said to the server, unless something else is written before.
  /** @param {Partial<Settings>} values */
  change(values, force = false, rest = 0) {
    if (!this.settings) return
    if ("text" in values) this.typed = undefined
    const models = "left" in values || "right" in values ? { picked: 1 } : {}
    const next = { ...this.settings, ...values, ...models }
    if (!force && !this.unsaid && JSON.stringify(next) === JSON.stringify(this.settings)) return
    if (next.left !== this.settings.left) remember({ unit: null }) // another model has other units
    if (next.right !== this.settings.right) remember({ unit2: null })
    this.settings = next
    this.unsaid = true
    clearTimeout(this.resting)
    if (rest) this.resting = setTimeout(() => this.say(), rest)
    else this.say() // the server works while the address is written
    this.address()
    origin.check()
  }

  say() {
    this.unsaid = false
    this.send("settings", this.settings)
  }

  // A run of a part that follows at once on the first run of its page can cost the page its figures: Streamlit clears away
  // what the one has drawn when the other begins. So what is said before waits for its end; while the server is away, for
  // the line.
  /** @param {string} name @param {unknown} value */
  send(name, value) {
    this.unsent[name] = value
    clearTimeout(this.waiting)
    if (away()) return
    if (settling() || (this.fresh && running())) this.waiting = setTimeout(() => this.send(name, value), 40)
    else this.flush()
  }

  flush() {
    clearTimeout(this.waiting)
    this.fresh = false
    const writing = this.writing ? { writing: 1 } : {}
    for (const [one, said] of Object.entries(this.unsent))
      this.set(one, one === "settings" ? Object.assign({}, said, picked(), writing) : said)
    this.unsent = {}
  }

  address() {
    const { settings, data } = this
    if (!settings || !data) return
    /** @type {(name: keyof Settings) => boolean} */
    const usual = (name) => String(settings[name]) === String(data.defaults[name])
    const models = usual("text") ? [] : ["left", "right"] // a text goes with the models that read it, or a link finds others
    const names = /** @type {(keyof Settings)[]} */ (Object.keys(settings))
    const said = names.map((name) => [name, usual(name) && !models.includes(name) ? null : settings[name]])
    remember(/** @type {Chosen} */ (Object.fromEntries(said)))
  }

  grow() {
    this.grown = this.box.value
    this.root.classList.toggle("gs-nothing", !this.box.value.trim())
    sentence.grow(this.box)
  }
}
