// The wall of experiments: a card is one button with the claim, a small figure and what came out; below it the targets,
// folded.
import { load, make } from "../page/dom.js"
import { kept } from "../page/url.js"
import { tr } from "../page/words.js"

/** @import { Component } from "../types.d.ts" */

/** A claim, its small figure and what was measured.
 * @typedef {{ name: string, title: string, claim: string, svg: string, verdict: string, short: string, shaped: string,
 *   legend: [name: string, color: string, dashed: boolean][], lines: ["met" | "missed", string][] }} Card */

/** @param {Component<{ cards: Card[] }>} component */
export default function mount({ data, parentElement, setTriggerValue }) {
  const { cards } = data
  load("link", "wall.css", import.meta.url)
  const root = make(
    "div",
    { class: "gx", test: "gx" },
    ...cards.map((card) =>
      draw(card, () => {
        delete kept.at // the step chosen elsewhere is none of the texts to try here, which open at their end
        setTriggerValue("open", card.name)
      }),
    ),
  )
  root.dataset.ready = "1"
  parentElement.replaceChildren(root)
  return () => root.remove()
}

/** @param {Card} card @param {() => void} open */
function draw(card, open) {
  const says = { met: tr("met"), missed: tr("missed") }
  const id = (/** @type {string} */ part) => `gx-${card.name}-${part}`
  const figure = make("span", { class: "gx-figure", id: id("figure") })
  // Drawn by the server from numbers; every text in it is escaped there.
  if (card.svg) figure.innerHTML = card.svg
  const legend = make(
    "span",
    { class: "gx-legend" },
    ...card.legend.map(([name, color, dashed]) =>
      make("span", {}, make("i", { class: dashed ? "gx-key gx-dash" : "gx-key", style: { color } }), name),
    ),
  )
  const lines = make(
    "span",
    { class: "gx-lines" },
    ...card.lines.map(([verdict, text]) =>
      make("span", { class: `gx-line gx-${verdict}` }, make("b", { text: says[verdict] }), text),
    ),
  )
  const told = [card.short, card.shaped].filter(Boolean).map((text) => make("span", { class: "gx-short", text }))
  // Its name is the title alone, and a heading; the rest describes it.
  const described = { "aria-label": card.title, "aria-describedby": ["claim", "figure", "told"].map(id).join(" ") }
  const button = make(
    "button",
    { type: "button", class: "gx-open", test: `gx-${card.name}`, onclick: open, ...described },
    make("span", { class: "gx-title", text: card.title }),
    make("span", { class: "gx-claim", id: id("claim"), text: card.claim }),
    figure,
    legend,
    make("span", { class: "gx-told", id: id("told") }, ...told),
  )
  const summary = make("summary", { class: "gx-verdict", text: card.verdict })
  return make(
    "article",
    { class: "gx-card" },
    make("div", { class: "gx-heading", role: "heading", "aria-level": "2" }, button),
    lines.childElementCount
      ? make("details", {}, summary, lines)
      : make("p", { class: "gx-verdict", text: card.verdict }),
  )
}
