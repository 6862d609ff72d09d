// A picture that is made by clicking: what a click puts is chosen above the grid; a click on the same takes it away.
import { Choice } from "../page/choice.js"
import { dress, make, swap } from "../page/dom.js"
import { hold } from "../page/hold.js"
import { tr } from "../page/words.js"

/** @typedef {{ letter: string, name: string, css?: string }} Part */
/** What dashboard/beyond/picture.py sends: ``picture`` as "rc0-bs5", the letters of colour and form and the place.
 * ``heard``: of which choice it knows.
 * @typedef {{ picture: string, colors: Part[], forms: Part[], unseen: string[], side: number, most: number,
 *   examples: { label: string, picture: string }[], heard?: number | null }} Content */

export default hold(
  (parent) => new Picture(parent),
  (one, { setStateValue }) => (one.choice.tell = (told) => setStateValue("picture", told)),
)

/** How each form is drawn in a place of 16 x 16, as the network's own pictures are.
 * @type {Record<string, string>} */
const FORMS = {
  c: "M8 2.2a5.8 5.8 0 1 0 .01 0z",
  s: "M2.2 2.2h11.6v11.6H2.2z",
  t: "M8 2.2 13.8 13.8H2.2z",
  x: "M6.1 2.2h3.8v3.9h3.9v3.8H9.9v3.9H6.1V9.9H2.2V6.1h3.9z",
  o: "M8 2.2a5.8 5.8 0 1 0 .01 0zM8 5.1a2.9 2.9 0 1 1-.01 0z",
  d: "M8 1.5 14.5 8 8 14.5 1.5 8z",
  f: "M2.2 2.2h11.6v11.6H2.2zM5.1 5.1v5.8h5.8V5.1z",
}

/** @param {string} picture */
const read = (picture) => {
  const parts = picture.split("-").filter(Boolean)
  return new Map(parts.map((part) => [Number(part.slice(2)), part.slice(0, 2)]))
}

export class Picture {
  /** @type {Content | undefined} */
  content = undefined
  /** @type {Choice<string>} */
  choice = new Choice()
  brush = { color: "r", form: "c" }
  /** @type {Map<number, string>} by place the letters of what is there */
  shapes = new Map()

  /** @param {HTMLElement} parent */
  constructor(parent) {
    dress(parent, "picture.css", import.meta.url)
    this.brushes = make("div", { class: "gp-brushes" })
    this.grid = make("div", { class: "gp-grid", test: "gp-grid", role: "group" })
    this.note = make("p", { class: "gp-note", test: "gp-note", role: "status" })
    this.ready = make("div", { class: "gp-ready" })
    this.root = make("div", { class: "gp", test: "gp", role: "group" }, this.brushes, this.grid, this.note, this.ready)
    parent.append(this.root)
  }

  close() {
    this.root.remove()
  }

  /** @param {Content} content */
  take(content) {
    this.content = content
    if (this.choice.answered(content.heard)) this.shapes = read(content.picture)
    this.draw()
    this.root.dataset.ready = "1"
  }

  draw(note = "") {
    const { content } = this
    if (!content) return
    const brush = this.brush.color + this.brush.form
    /** @param {"color" | "form"} kind @param {Part} choice */
    const pick = (kind, choice) =>
      make(
        "button",
        {
          type: "button",
          class: "gp-brush",
          test: `gp-${kind}-${choice.letter}`,
          title: choice.name,
          "aria-label": choice.name,
          "aria-pressed": String(this.brush[kind] === choice.letter),
          onclick: () => {
            this.brush[kind] = choice.letter
            this.draw()
          },
        },
        kind === "color" ? this.shape(choice.letter + "s") : this.shape(this.brush.color + choice.letter),
      )
    swap(
      this.brushes,
      make(
        "div",
        { class: "gp-row", role: "toolbar", "aria-label": tr("Colour") },
        ...content.colors.map((c) => pick("color", c)),
      ),
      make(
        "div",
        { class: "gp-row", role: "toolbar", "aria-label": tr("Form") },
        ...content.forms.map((f) => pick("form", f)),
      ),
    )
    this.grid.style.setProperty("--gp-side", String(content.side))
    this.grid.setAttribute("aria-label", tr("The picture, shapes: {count}", { count: this.shapes.size }))
    swap(this.grid, ...Array.from({ length: content.side ** 2 }, (_, place) => this.place(place)))
    const unseen = content.unseen.includes(brush)
      ? tr("No picture of its training showed this pair of colour and form.")
      : ""
    this.note.textContent = note || unseen
    swap(
      this.ready,
      ...content.examples.map(({ label, picture }) =>
        make("button", { type: "button", class: "gp-example", text: label, onclick: () => this.show(picture) }),
      ),
    )
  }

  /** @param {number} place */
  place(place) {
    const there = this.shapes.get(place)
    const row = Math.floor(place / (this.content?.side ?? 1)) + 1
    const column = (place % (this.content?.side ?? 1)) + 1
    const name = tr("row {row}, column {column}: {what}", {
      row,
      column,
      what: there ? this.named(there) : tr("empty"),
    })
    const node = make("button", {
      type: "button",
      class: "gp-place",
      test: `gp-${place}`,
      "aria-label": name,
      title: name,
    })
    if (there) node.append(this.shape(there))
    node.onclick = () => this.put(place)
    return node
  }

  /** @param {number} place */
  put(place) {
    const brush = this.brush.color + this.brush.form
    if (this.shapes.get(place) === brush) this.shapes.delete(place)
    else if (!this.shapes.has(place) && this.shapes.size >= (this.content?.most ?? 0)) {
      return this.draw(
        tr("A picture has at most {most} shapes; click on one with the same colour and form to take it away.", {
          most: this.content?.most ?? 0,
        }),
      )
    } else this.shapes.set(place, brush)
    const found = [...this.shapes].sort(([a], [b]) => a - b)
    this.show(found.map(([at, what]) => what + at).join("-"))
  }

  /** @param {string} picture */
  show(picture) {
    this.shapes = read(picture)
    this.draw()
    this.choice.make(picture)
  }

  /** @param {string} what */
  named(what) {
    const color = this.content?.colors.find(({ letter }) => letter === what[0])
    const form = this.content?.forms.find(({ letter }) => letter === what[1])
    return `${color?.name ?? ""} ${form?.name ?? ""}`
  }

  /** @param {string} what */
  shape(what) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", "svg")
    node.setAttribute("viewBox", "0 0 16 16")
    node.setAttribute("aria-hidden", "true")
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path")
    path.setAttribute("d", FORMS[what[1]])
    path.setAttribute("fill-rule", "evenodd")
    path.setAttribute("fill", this.content?.colors.find(({ letter }) => letter === what[0])?.css ?? "currentColor")
    node.append(path)
    return node
  }
}
