// The box that a sentence is written into, on the page and in what is saved of it.
import { make } from "./dom.js"
import { tr } from "./words.js"

const MOST = 3 // lines
export const REST = 1200 // milliseconds: more than between the keys of somebody who looks for them

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

// Whether somebody writes at the end of the text: its last word may go on.
/** @param {HTMLTextAreaElement | null} area */
export const writing = (area) =>
  area !== null && document.activeElement === area && area.selectionEnd === area.value.length

// As high as what is written, up to a few lines: of a longer text whole ones are seen, at its end as at its beginning.
/** @param {HTMLTextAreaElement} area */
export function grow(area) {
  area.style.height = "auto"
  const { lineHeight, paddingTop } = getComputedStyle(area)
  const [line, above] = [lineHeight, paddingTop].map(Number.parseFloat)
  const all = area.scrollHeight
  area.style.height = `${all > MOST * line + 2 * above + 1 ? MOST * line + above : all + 2}px`
}
