// The sentence that is read, and the examples below it. The address says what is written, so that a link reopens it.
import { make } from "../page/dom.js"
import * as sentence from "../page/sentence.js"
import { long, remember } from "../page/url.js"

const PAUSE = 300 // milliseconds without a key before the address is written

export class Box {
  // ``read`` is told of every new sentence, and when one is finished that its end is no longer written; ``led``: whether a tour writes the address; ``beside``: stands by the examples.
  /** @param {string} text @param {[label: string, text: string][]} examples @param {HTMLElement} beside
   * @param {(writing?: boolean) => void} read @param {() => boolean} led */
  constructor(text, examples, beside, read, led) {
    this.usual = text
    this.read = read
    this.led = led
    this.frame = 0
    this.waits = false
    this.area = sentence.box()
    this.area.value = new URLSearchParams(window.location.search).get("text") ?? long() ?? text
    const chips = examples.map(([label, text]) => {
      const attributes = { type: "button", test: "gs-chip", class: "gs-chip", dir: "auto", title: text, text: label }
      return make("button", { ...attributes, onclick: () => this.write(text) })
    })
    this.root = make(
      "div",
      { class: "gs-controls" },
      make("div", { class: "gs-top" }, this.area, make("span", { class: "gs-name", text: "Gatescope" })),
      make("div", { class: "gs-row" }, make("div", { class: "gs-chips" }, ...chips), beside),
    )
    new ResizeObserver(() => this.grow()).observe(this.root) // a phone is turned round
    this.area.oninput = (event) => this.typed(/** @type {InputEvent} */ (event))
    this.area.addEventListener("compositionend", () => this.read())
    this.area.onkeydown = (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return
      event.preventDefault()
      this.read(false)
    }
  }

  get text() {
    return this.area.value
  }

  /** @param {InputEvent} event */
  typed({ isComposing }) {
    this.grow()
    this.tell()
    if (isComposing) return // letters of pinyin or kana on their way to characters
    if (this.frame) this.waits = true
    else this.readAtOnce()
  }

  // Keys that come before the next paint are read together after it.
  readAtOnce() {
    this.waits = false
    this.read()
    this.frame = requestAnimationFrame(() => {
      this.frame = 0
      if (this.waits) this.readAtOnce()
    })
  }

  /** @param {string} text */
  write(text) {
    this.area.value = text
    this.grow()
    this.read()
    this.tell()
  }

  grow() {
    sentence.grow(this.area)
  }

  tell() {
    clearTimeout(this.telling)
    const text = this.text === this.usual ? null : this.text
    this.telling = setTimeout(() => this.led() || remember({ text }), PAUSE)
  }
}
