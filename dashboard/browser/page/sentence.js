// The box that a sentence is written into, on the page and in what is saved of it.
import { make } from "./dom.js"
import { tr } from "./words.js"

const TALLEST = 84 // pixels

export const box = () =>
  make("textarea", {
    test: "gs-sentence",
    rows: "1",
    spellcheck: "false",
    autocomplete: "off",
    dir: "auto",
    "aria-label": tr("Sentence"),
    placeholder: tr("Type a sentence"),
  })

// As high as what is written, up to a few lines.
/** @param {HTMLTextAreaElement} area */
export function grow(area) {
  area.style.height = "auto"
  area.style.height = `${Math.min(area.scrollHeight + 2, TALLEST)}px`
}
