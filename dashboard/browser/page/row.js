// The sentence as a row of words, of which one is chosen. The keyboard stops once at it, at the chosen word, and goes along
// with it.
import { make } from "./dom.js"
import { wordTitle } from "./naming.js"
import { tr } from "./words.js"

/** @import { Word } from "../types.d.ts" */
/** @typedef {HTMLElement & { first: number, last: number }} WordElement */

export class WordRow {
  /** @param {string} name of its classes: "gw" for .gw-words and .gw-word @param {(node: WordElement) => void} pick */
  constructor(name, pick) {
    this.name = name
    this.pick = pick
    this.root = make("div", {
      class: `${name}-words`,
      test: `${name}-words`,
      role: "listbox",
      "aria-label": tr("Words of the sentence"),
    })
    this.drawn = ""
  }

  /** @returns {WordElement[]} */
  get nodes() {
    return /** @type {WordElement[]} */ (Array.from(this.root.children))
  }

  /** @param {Word[]} words */
  draw(words) {
    const signature = JSON.stringify(words)
    if (this.drawn === signature) return
    this.drawn = signature
    this.root.replaceChildren(...words.map((word) => this.word(word)))
  }

  /** @param {Word} word @returns {WordElement} */
  word([text, first, last, known]) {
    const node = make("button", {
      type: "button",
      class: `${this.name}-word${known ? "" : ` ${this.name}-unknown`}`,
      text,
      dir: "auto",
      role: "option",
      tabindex: -1,
      title: wordTitle(text, known),
      onclick: () => this.pick(place),
    })
    const place = Object.assign(node, { first, last })
    return place
  }

  /** @param {number} step */
  mark(step) {
    const inside = this.root.contains(document.activeElement)
    for (const node of this.nodes) {
      const here = node.first <= step && step <= node.last
      node.classList.toggle(`${this.name}-here`, here)
      node.setAttribute("aria-selected", String(here))
      node.tabIndex = here ? 0 : -1
      if (here && inside) node.focus({ preventScroll: true })
      if (here) this.reveal(node)
    }
  }

  // A long sentence has a window of its own to its words.
  /** @param {WordElement} node */
  reveal(node) {
    const { root } = this
    const top = node.offsetTop - root.offsetTop
    if (top < root.scrollTop || top + node.offsetHeight > root.scrollTop + root.clientHeight) root.scrollTop = top
  }
}
