// The walk through a cell: one word, one stage at a time. Everything here happens in the browser, on the numbers of one message.
import { fill, load, make, swap } from "../page/dom.js"
import { Drawing, leastWidth, svg } from "./drawing.js"
import { expects, looks, without } from "./expects.js"
import { FUNCTIONS, equation, lettered, letters, number, writeIn } from "./formula.js"
import { hold } from "../page/hold.js"
import { Notation, notations, program, written } from "./notation.js"
import { change } from "../page/origin.js"
import { curve, drawable, legend, loop } from "./pictures.js"
import { colorOf, inkOn } from "./scale.js"
import { dark, ours } from "../page/screen.js"
import { kept, remember } from "../page/url.js"
import { list, tr } from "../page/words.js"

const clamp = (value, low, high) => Math.max(low, Math.min(high, value))
const quoted = (text) => `“${text}”`
const named = (side, at) => (side.embedded ? quoted(side.tokens[at]) : side.tokens[at]) // "step 7" is no word

function italic(name) {
  const [base, index] = lettered(name)
  return make("i", { text: base }, make("sub", { text: index }))
}

// What a signal or a node of the drawing is.
const kinds = () => ({
  gate: tr("gate"), candidate: tr("candidate"), state: tr("state"), output: tr("output"), layer: tr("layer"), function: tr("function"),
  product: tr("product"), sum: tr("sum"), difference: tr("difference"), quotient: tr("quotient"), old: tr("old"), input: tr("input") })

// Without HTTPS a browser offers no clipboard; what is selected can be copied everywhere.
async function clipboard(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text)
  const box = make("textarea", { style: { position: "fixed", opacity: 0 } })
  box.value = text
  document.body.append(box)
  box.select()
  document.execCommand("copy")
  box.remove()
}

export default hold((parent) => new Walk(parent))

class Walk {
  constructor(parent) {
    load("link", new URL("walk.css", import.meta.url).href).then(() => this.panels.forEach((panel) => panel.drawing.reveal()))
    const button = (test, text, title, onclick) => make("button", { type: "button", class: "gw-button", test, text, title, onclick })
    this.words = make("div", { class: "gw-words", test: "gw-words", role: "listbox", "aria-label": tr("Words of the sentence") })
    this.stages = make("div", { class: "gw-stages", test: "gw-stages", role: "tablist", "aria-label": tr("Stages of one step") })
    this.exerciseButton = button("gw-exercise", tr("Exercise"), tr("Guess before you see (x)"), () => this.toggleExercise())
    this.viewButton = button("gw-view", tr("All units"), tr("One unit or all of them (v)"), () => this.toggleView())
    this.notation = kept.notation ?? new URLSearchParams(location.search).get("notation") ?? ""
    this.notationChoice = make("select", { test: "gw-notation", "aria-label": tr("Notation"), onchange: () => this.pickNotation() }, ...notations().map(([value, text]) => make("option", { value, text })))
    this.score = make("span", { class: "gw-score", test: "gw-score", role: "status" })
    this.head = make("div", { class: "gw-head" },
      button("gw-back", tr("‹ Back"), tr("Left arrow"), () => this.move(-1)), this.stages, button("gw-next", tr("Next ›"), tr("Right arrow"), () => this.move(1)),
      make("div", { class: "gw-tools" }, this.viewButton, this.exerciseButton, this.score, button("gw-full", tr("Full screen"), "f", () => this.fullScreen())), this.notationChoice)
    this.columns = make("div", { class: "gw-columns" })
    this.loop = make("details", { class: "gw-code gw-loop", test: "gw-loop" })
    this.legend = legend()
    this.empty = make("p", { class: "gw-empty", text: tr("Type a sentence above, or choose an example."), hidden: "" })
    this.status = make("p", { class: "gw-status", test: "gw-status", "aria-live": "polite" })
    this.root = make("div", { class: "gw", test: "gw", role: "group", tabindex: "-1" }, this.words, this.head, this.status, this.empty, this.loop, this.columns, this.legend)
    parent.append(this.root)
    this.stage = Number(kept.stage ?? new URLSearchParams(location.search).get("stage")) || 0
    this.swapped = (kept.order ?? new URLSearchParams(location.search).get("order")) === "memory"
    this.at = undefined
    this.panels = []
    this.right = this.asked = 0
    this.onKey = (event) => this.key(event)
    document.addEventListener("keydown", this.onKey)
    this.observer = new ResizeObserver(() => this.panels.forEach((panel, k) => this.unroll(panel, this.sides[k])))
    this.observer.observe(this.root)
  }

  close() {
    document.removeEventListener("keydown", this.onKey)
    this.observer.disconnect()
    this.root.remove()
  }

  take(content) {
    this.scales = content.scales
    this.written = content.text
    this.sides = content.sides
    this.count = this.sides[0].tokens.length
    const text = JSON.stringify(this.sides[0].words)
    const another = this.text !== undefined && this.text !== text
    if (another) kept.at = this.at = -1 // a new sentence is read to its end
    this.text = text
    const wanted = this.at ?? Number(kept.at ?? content.at)
    this.at = clamp(wanted < 0 ? wanted + this.count : wanted, 0, Math.max(0, this.count - 1))
    const models = this.sides.map((side) => side.model).join()
    if (models !== this.models) this.units = this.sides.map((side, k) => this.valid(side, this.models ? undefined : [kept.unit, kept.unit2][k]) ?? side.unit)
    this.models = models
    this.titles = content.stages
    this.behind = content.behind
    if (this.count) this.loop.replaceChildren(...loop(this.sides[0], content.plain, (left) => change({ left })))
    this.names = Object.keys(this.titles).filter((name) => this.sides.some((side) => side.stages.some((stage) => stage.name === name)))
    this.stage = clamp(this.stage, 0, this.names.length - 1)
    this.chosen = null
    this.guesses = {}
    this.columns.style.setProperty("--gw-least", `${Math.max(...this.sides.map(leastWidth))}px`)
    while (this.panels.length < this.sides.length) this.panels.push(this.panel(this.panels.length))
    this.render()
    if (another) this.tell()
    this.root.of = content.of
    this.root.dispatchEvent(new CustomEvent("gs:repaint"))
  }

  valid(side, unit) {
    return unit !== undefined && Number.isInteger(Number(unit)) && Number(unit) < side.hidden ? Number(unit) : undefined
  }

  panel(k) {
    const drawing = new Drawing((node) => this.pick(k, node))
    const select = make("select", { test: `gw-unit-${k}`, "aria-label": tr("Unit of model {model}", { model: k + 1 }), onchange: () => this.pickUnit(k, Number(select.value)) })
    const title = make("div", { class: "gw-title" }, make("strong"), make("span"), select)
    const stage = make("div", { class: "gw-stage", test: `gw-stage-${k}` })
    const program = make("details", { class: "gw-code", test: `gw-program-${k}` })
    const code = make("details", { class: "gw-code", test: `gw-code-${k}` })
    const strip = svg("svg", { class: "gw-strip", "data-testid": `gw-strip-${k}` })
    const carried = make("p", { class: "gw-carries", test: `gw-carries-${k}` })
    const box = make("div", { class: "gw-drawing-box", onscroll: () => this.fade(box) }, drawing.root)
    const root = make("section", { class: "gw-column" }, title, make("div", { class: "gw-strip-box" }, carried, strip), box, stage, program, code)
    drawing.root.setAttribute("data-testid", `gw-drawing-${k}`)
    this.columns.append(root)
    return { drawing, select, title, stage, program, code, strip, carried, box, root }
  }

  // ---- where we are

  move(by) {
    const last = this.names.length - 1
    let [at, stage] = [this.at, this.stage + by]
    if (stage > last) [at, stage] = at < this.count - 1 ? [at + 1, 0] : [at, last]
    if (stage < 0) [at, stage] = at > 0 ? [at - 1, last] : [at, 0]
    this.go(at, stage)
  }

  go(at, stage = this.stage) {
    this.at = clamp(at, 0, Math.max(0, this.count - 1))
    this.stage = stage
    this.chosen = null
    this.guesses = {}
    this.render()
    this.tell()
  }

  tell() {
    remember({ at: this.at, stage: this.stage || null, unit: this.units[0], unit2: this.units[1], view: this.all ? "all" : null, notation: this.notation || null, order: this.swapped ? "memory" : null })
  }

  pick(k, node) {
    this.chosen = this.chosen && this.chosen.k === k && this.chosen.id === node.id ? null : { k, id: node.id }
    this.render()
  }

  // Back from a node's explanation, with the keyboard at the node.
  leave(node) {
    const { drawing } = this.panels[this.chosen.k]
    this.chosen = null
    this.render()
    drawing.nodes.find(({ id }) => id === node.id)?.group.focus({ preventScroll: true })
  }

  pickUnit(k, unit) {
    this.units[k] = unit
    this.guesses = {}
    this.render()
    this.tell()
  }

  pickNotation() {
    this.notation = this.notationChoice.value
    this.render()
    this.tell()
  }

  toggleView() {
    this.all = !this.all
    this.render()
    this.tell()
  }

  toggleExercise() {
    this.exercise = !this.exercise
    this.right = this.asked = 0
    this.guesses = {}
    this.render()
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen()
    else this.root.requestFullscreen()
  }

  key(event) {
    const focus = document.activeElement
    if (!this.count || !ours(this.root, event)) return
    const [back, on] = [() => this.go(this.at - 1), () => this.go(this.at + 1)]
    const words = this.words.contains(focus)
    const act = {
      ...(this.root.contains(focus) && { ArrowUp: back, ArrowDown: on }), // there they scroll the page
      ArrowRight: () => (event.shiftKey || words ? on() : this.move(1)),
      ArrowLeft: () => (event.shiftKey || words ? back() : this.move(-1)),
      PageDown: () => this.move(1),
      PageUp: () => this.move(-1),
      Home: () => this.go(0, 0),
      End: () => this.go(this.count - 1, this.names.length - 1),
      x: () => this.toggleExercise(),
      v: () => this.toggleView(),
      f: () => this.fullScreen(),
    }[event.key]
    if (!act) return
    event.preventDefault()
    act()
  }

  // ---- numbers

  // Tokens of one side as tokens of another: models may cut the same text differently, so words are what is shared.
  step(side) {
    if (side === this.sides[0]) return this.at
    if (side.tokens.length === this.count) return this.at
    const word = this.sides[0].words.findIndex(([, first, last]) => first <= this.at && this.at <= last)
    return side.words[Math.min(word, side.words.length - 1)]?.[2] ?? 0
  }

  value(side, place, unit, at) {
    if (place === null || place === undefined) return undefined
    const array = side.values[place]
    if (!Array.isArray(array)) return array[unit]
    const row = array[at]
    return row[Math.min(unit, row.length - 1)]
  }

  // What is written as one number in a formula: a symbol or a matrix product; sums and products are written out.
  leaf(side, tree, unit, at) {
    if (tree.blocks) return tree.v.reduce((sum, place) => sum + this.value(side, place, unit, at), 0)
    return tree.s || tree.o === "@" ? this.value(side, tree.v, unit, at) : undefined
  }

  // How this side is written in the notation in use.
  style(side) {
    if (side.style?.kind !== this.notation) side.style = new Notation(this.notation, side)
    return side.style
  }

  largest(side, place) {
    side.sizes ??= []
    if (side.sizes[place] === undefined) {
      let most = 0
      for (const row of [side.values[place]].flat()) for (const v of row) most = Math.max(most, Math.abs(v))
      side.sizes[place] = most || 1
    }
    return side.sizes[place]
  }

  // What is not to be seen yet: in an exercise, all that this stage and those after it compute.
  hidden(side) {
    if (!this.exercise || this.guesses[this.sides.indexOf(side)]) return new Set()
    const here = side.stages.findIndex((stage) => stage.name === this.names[this.stage])
    return new Set(side.stages.slice(here < 0 ? side.stages.length : here).flatMap((stage) => stage.signals))
  }

  // ---- drawing

  render() {
    const nothing = this.count === 0
    this.empty.hidden = !nothing
    for (const part of [this.words, this.head, this.loop, this.columns, this.legend, this.status]) part.hidden = nothing
    if (nothing) return
    this.dark = dark(this.root)
    this.root.classList.toggle("gw-dark", this.dark)
    this.root.dataset.at = this.at
    this.root.dataset.stage = this.stage
    this.drawWords()
    const inside = this.stages.contains(document.activeElement)
    this.stages.replaceChildren(...this.names.map((name, k) => make("button", {
      type: "button", role: "tab", class: "gw-tab", text: `${k + 1}. ${this.titles[name]}`, "aria-selected": String(k === this.stage), tabindex: k === this.stage ? 0 : -1, onclick: () => this.go(this.at, k) })))
    if (inside) this.stages.children[this.stage].focus({ preventScroll: true })
    this.notationChoice.value = this.notation
    if (this.notationChoice.selectedIndex < 0) this.notationChoice.value = this.notation = ""
    this.viewButton.textContent = this.all ? tr("One unit") : tr("All units")
    this.exerciseButton.textContent = this.exercise ? tr("End exercise") : tr("Exercise")
    this.score.textContent = this.exercise ? tr("{right} of {asked} right", { right: this.right, asked: this.asked }) : ""
    this.panels.forEach((panel, k) => this.drawPanel(panel, this.sides[k], k))
    const [stage, word] = [this.titles[this.names[this.stage]], named(this.sides[0], this.at)]
    const place = { stage, word, at: this.at + 1, count: this.count }
    this.status.textContent = this.sides[0].embedded ? tr("{stage}, at {word}, {at} of {count}.", place) : tr("{stage}, step {at} of {count}.", place)
  }

  drawWords() {
    const { words } = this.sides[0]
    if (this.drawnWords !== words) {
      this.drawnWords = words
      this.words.replaceChildren(...words.map(([text, first, , known]) => make("button", {
        type: "button", class: `gw-word${known ? "" : " gw-unknown"}`, text, dir: "auto", role: "option", tabindex: -1,
        title: known ? text : tr("{text}: not in the vocabulary, read as <unk>", { text }), onclick: () => this.go(first) })))
    }
    const here = words.findIndex(([, first, last]) => first <= this.at && this.at <= last)
    const inside = this.words.contains(document.activeElement)
    for (const node of this.words.querySelectorAll("[aria-selected=true]")) this.select(node, false)
    if (here >= 0) this.select(this.words.children[here], true)
    if (inside) this.words.children[here]?.focus({ preventScroll: true })
  }

  select(node, here) {
    node.classList.toggle("gw-here", here)
    node.setAttribute("aria-selected", String(here))
    node.tabIndex = here ? 0 : -1
    if (here) requestAnimationFrame(() => node.scrollIntoView({ block: "nearest", inline: "nearest" }))
  }

  drawPanel(panel, side, k) {
    const unit = this.units[k]
    const at = this.step(side)
    panel.title.children[0].textContent = side.title
    panel.title.children[1].textContent = side.model
    const others = Array.from({ length: side.hidden }, (_, one) => [one, tr("unit {unit}", { unit: one })])
    const known = side.named.map((one) => [one.unit, this.unitName(side, one.unit)])
    fill(panel.select, known.length ? [{ group: tr("named"), options: known }, { group: tr("all"), options: others }] : others, unit)
    const hidden = this.hidden(side)
    const stage = side.stages.find((one) => one.name === this.names[this.stage])
    const style = this.style(side)
    writeIn(style)
    panel.drawing.build(side, style)
    panel.drawing.paint(
      (item) => this.look(side, item, unit, at, hidden),
      new Set(stage?.signals ?? []),
      (node) => this.describe(side, node, unit, at, hidden),
      [-1, 0, 1].map((by) => side.tokens[side.backward ? at - by : at + by] ?? "").map((text, place) => (place === 1 && side.layer ? "" : text)), // a layer above reads no word
      this.chosen?.k === k ? this.chosen.id : undefined)
    const place = `${at} ${this.stage}`
    if (panel.place !== place) panel.drawing.reveal()
    panel.place = place
    panel.drawing.root.setAttribute("aria-label", this.tellDrawing(side, unit, at, hidden))
    const node = this.chosen?.k === k ? side.diagram.nodes.find((one) => one.id === this.chosen.id) : null
    swap(panel.stage, ...(node ? this.explain(side, node, unit, at, hidden) : this.tellStage(side, stage, unit, at, hidden, k)))
    this.drawProgram(panel.program, side, unit, at, hidden)
    this.drawCode(panel.code, side)
    this.unroll(panel, side)
  }

  // A step as a short program, with what each line gives at this step; the stage's lines stand out.
  drawProgram(box, side, unit, at, hidden) {
    const here = new Set(side.stages.find((one) => one.name === this.names[this.stage])?.signals ?? [])
    const lines = program(side, this.style(side), this.swapped).map(([line, name]) => {
      const value = name && !hidden.has(name) ? this.value(side, side.signals[name].value, unit, at) : undefined
      const said = value === undefined ? "" : `  # ${number(value)}`
      return make("span", { class: here.has(name) ? "gw-line gw-here" : "gw-line" }, line, make("i", { text: said }), "\n")
    })
    const states = Object.values(side.signals).filter(({ kind }) => kind === "state").length
    const swap = make("button", { type: "button", class: "gw-button", text: tr("Give the states back in the other order"), hidden: states < 2 ? "" : undefined, onclick: () => {
      this.swapped = !this.swapped
      this.render()
      this.tell()
    } })
    const inside = box.contains(document.activeElement) && document.activeElement.tagName
    box.replaceChildren(make("summary", { text: tr("This cell as a short program") }), make("p", {}, swap), make("pre", { tabindex: "0", "aria-label": tr("This cell as a short program") }, ...lines))
    if (inside) box.querySelector(inside)?.focus({ preventScroll: true })
  }

  // The cell as a program that runs, to be copied.
  drawCode(box, side) {
    box.hidden = !side.code
    if (box.of === side.code) return
    box.of = side.code
    const said = make("span", { class: "gw-score", role: "status" })
    const copied = () => (said.textContent = tr("Copied."))
    const copy = make("button", { type: "button", class: "gw-button", text: tr("Copy"), onclick: () => clipboard(side.code).then(copied) })
    box.replaceChildren(make("summary", { text: tr("This cell as PyTorch") }), make("p", {}, copy, " ", said),
      make("pre", { tabindex: "0", "aria-label": tr("This cell as PyTorch"), text: side.code }))
  }

  // What the drawing's colours say, in numbers.
  tellDrawing(side, unit, at, hidden) {
    const known = Object.entries(side.signals).filter(([name, { value }]) => !hidden.has(name) && this.value(side, value, unit, at) !== undefined)
    const values = known.map(([name, { value }]) => tr("{name} = {value}", { name: this.style(side).name(name).replace("-", "−"), value: number(this.value(side, value, unit, at)) }))
    return tr("The {cell} at {word}, {unit}: {values}.", { cell: side.title, word: named(side, at), unit: this.unitName(side, unit), values: list(values) })
  }

  signalOf(side, item) {
    if (item.signal) return item.signal
    const from = item.from === undefined ? undefined : side.diagram.nodes.find((node) => node.id === item.from)
    return from?.signal ?? undefined
  }

  look(side, item, unit, at, hidden) {
    const value = this.value(side, item.value, unit, at)
    const name = this.signalOf(side, item)
    if (value === undefined || (hidden.size && (name === undefined ? item.kind !== "old" : hidden.has(name)))) return null
    const gate = name && side.signals[name]?.kind === "gate"
    const mode = this.dark ? "dark" : "light"
    const most = gate ? 1 : this.largest(side, item.value)
    const color = gate ? colorOf(this.scales.gate[mode], value) : colorOf(this.scales.signed[mode], 0.5 + (0.5 * value) / most)
    const strong = gate ? colorOf(this.scales.gate[mode], 0.25 + 0.75 * value) : colorOf(this.scales.signed[mode], 0.5 + 0.5 * Math.sign(value) * (0.3 + (0.7 * Math.abs(value)) / most))
    const line = !gate && Math.abs(value) < 0.01 * most ? "" : strong // nothing flows: a grey wire, not one in the page's colour
    return { color, line, ink: inkOn(color), share: Math.min(1, Math.abs(value) / most) }
  }

  describe(side, node, unit, at, hidden) {
    const value = this.value(side, node.value, unit, at)
    const name = node.signal ? tr("{signal}: {meaning}", { signal: node.signal, meaning: side.signals[node.signal]?.meaning ?? "" })
      : { old: this.lower(node) ?? tr("{state}, from the step before", { state: node.label }), input: tr("what is read") }[node.kind] ?? kinds()[node.kind]
    return value === undefined || hidden.size ? name : tr("{name}, {value}", { name, value: number(value) })
  }

  // What the layer below passes on at this step, which stands among the states of the step before.
  lower(node) {
    return node.label.startsWith("below_") ? tr("the {state} of the layer below", { state: node.label.slice(6) }) : undefined
  }

  // A node that was clicked: its value, its formula and what it means.
  explain(side, node, unit, at, hidden) {
    const value = this.value(side, node.value, unit, at)
    const signal = side.signals[node.signal]
    const meaning = signal?.meaning ?? {
      old: this.lower(node) ?? tr("what the step before left in {state}", { state: node.label }),
      input: side.layer ? tr("the {state} of the layer below", { state: side.output }) : side.embedded ? tr("the word {word}, as the numbers of its embedding", { word: quoted(side.tokens[at]) }) : this.read(side, at),
      product: tr("multiplies what comes in, unit by unit"), sum: tr("adds what comes in, unit by unit"), layer: tr("a layer of its own weights: matrix products and a bias"),
      function: tr("applied to each unit by itself"), difference: tr("subtracts, unit by unit"), quotient: tr("divides, unit by unit") }[node.kind]
    const kind = kinds()[signal?.kind ?? node.kind]
    const parts = [make("h3", { text: signal ? tr("{signal}, {kind}", { signal: this.style(side).name(node.signal), kind }) : kind }),
      make("p", { class: "gw-text", text: tr("{meaning}.", { meaning: `${meaning[0].toUpperCase()}${meaning.slice(1)}` }) })]
    const shown = value !== undefined && !hidden.has(node.signal)
    if (node.formula.o) {
      const lines = make("div", { class: "gw-equation" })
      const name = node.signal ?? tr("value")
      lines.append(equation(name, node.formula, letters))
      if (shown) lines.append(equation(name, node.formula, (tree) => this.leaf(side, tree, unit, at), value))
      parts.push(lines)
    } else if (shown) parts.push(make("p", { class: "gw-text", text: tr("Value for unit {unit}: {value}", { unit, value: number(value) }) }))
    parts.push(make("button", { type: "button", class: "gw-button", text: tr("Back to the stage"), onclick: () => this.leave(node) }))
    return parts
  }

  tellStage(side, stage, unit, at, hidden, k) {
    if (!stage) {
      const shows = this.behind[this.names[this.stage]]
      if (shows) return [make("p", { class: "gw-text gw-none", text: without(side, shows) })]
      const share = side.derived[this.names[this.stage]]?.replace("-", "−")
      const text = share ? tr("The {cell} has no gate of its own for this: the share is {share}.", { cell: side.title, share })
        : tr("Nothing is decided here: the {cell} has no such gate.", { cell: side.title })
      return [make("p", { class: "gw-text gw-none", text })]
    }
    const parts = [make("p", { class: "gw-text", text: stage.text })]
    if (stage.shows === "looks") return [...parts, ...looks(this, side, unit, at)]
    if (stage.shows === "expects") return [...parts, ...expects(this, side, unit, at, k)]
    if (hidden.size) parts.push(this.question(side, stage, unit, at, k))
    for (const name of stage.signals) {
      if (hidden.has(name)) continue
      parts.push(this.all ? this.vector(side, name, at, k) : this.scalar(side, name, unit, at))
    }
    if (this.exercise && this.guesses[k]) parts.unshift(make("p", { class: "gw-verdict", role: "status", test: `gw-verdict-${k}`, text: this.guesses[k] }))
    return parts
  }

  scalar(side, name, unit, at) {
    const signal = side.signals[name]
    const value = this.value(side, signal.value, unit, at)
    const { tree, pushes } = side.equations[name]
    const box = make("div", { class: "gw-equation", "data-signal": name })
    box.append(make("p", { class: "gw-meaning" }, italic(this.style(side).name(name)), ` ${signal.meaning}`))
    box.append(equation(name, tree, letters), equation(name, tree, (node) => this.leaf(side, node, unit, at), value), this.bar(signal, value, side))
    const net = drawable(tree) ? this.value(side, tree.a[0].v, unit, at) : undefined
    if (net !== undefined) box.append(curve(tree.o, net, value, tr("The curve of {name}: at {net} it is {value}.", { name: FUNCTIONS[tree.o] ?? tree.o, net: number(net), value: number(value) })))
    box.append(...this.blocks(side, tree))
    if (pushes.length) box.append(this.pushes(side, pushes, unit, at, name))
    return box
  }

  // The essays' one matrix is two: which, for what, and how large.
  blocks(side, tree) {
    const style = this.style(side)
    return style.blocks(style.tree(tree)).map((product) => {
      const reads = product.a[1].a
      const parts = product.blocks.map((name, k) => {
        const input = reads[k].s === "x"
        const source = !input ? written(reads[k], style).replace("prev_", "") : side.layer ? `${style.name(side.output)} ℓ−1` : "x"
        return tr("{block} for {source} ({rows} × {columns})", { block: name, source, rows: side.hidden, columns: input ? side.inputs : side.hidden })
      })
      return make("p", { class: "gw-meaning", text: tr("{matrix} is two blocks side by side, in PyTorch’s letters {blocks}.", { matrix: style.weight(product.a[0].s.slice(2)), blocks: list(parts) }) })
    })
  }

  bar(signal, value, side) {
    const gate = signal.kind === "gate"
    const most = gate ? 1 : Math.max(1, this.largest(side, signal.value))
    const mode = this.dark ? "dark" : "light"
    const fill = make("span", { class: "gw-bar-fill", style: {
      left: gate ? "0" : `${50 + Math.min(0, (50 * value) / most)}%`, width: `${(gate ? 100 : 50) * Math.abs(value) / most}%`,
      background: gate ? colorOf(this.scales.gate[mode], 0.45 + 0.55 * value) : colorOf(this.scales.signed[mode], value < 0 ? 0.15 : 0.85) } })
    const low = gate ? "0" : number(-most)
    return make("div", { class: `gw-bar${gate ? "" : " gw-signed"}`, role: "img", "aria-label": tr("{value} between {low} and {high}", { value: number(value), low, high: number(most) }) },
      make("span", { class: "gw-end-label", text: low }), make("span", { class: "gw-track" }, fill), make("span", { class: "gw-end-label", text: gate ? "1" : number(most) }))
  }

  // The largest contributions to W x + U h + b: which word, which hidden units pushed this gate open or shut.
  pushes(side, pushes, unit, at, name) {
    const found = []
    let rest = 0
    for (const push of pushes) {
      const total = this.value(side, push.value, unit, at)
      if (push.label) found.push([push.label, total])
      else if (push.bias) found.push([tr("bias {name}", { name: this.style(side).weight(push.bias) }), total])
      else if (!side.sources[push.source]) found.push([push.source === "x" ? this.read(side, at) : this.style(side).weight(push.matrix), total])
      else {
        const weights = side.matrices[push.matrix][unit]
        const source = side.sources[push.source][at]
        const parts = Array.from(source, (v, j) => [j, weights[j] * v]).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]))
        for (const [j, v] of parts.slice(0, 4)) found.push([this.sourceName(side, push.source, j), v])
        for (const [, v] of parts.slice(4)) rest += v
      }
    }
    found.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]))
    if (rest) found.push([tr("all other units"), rest])
    const most = Math.max(...found.map(([, v]) => Math.abs(v)), 1e-9)
    const mode = this.dark ? "dark" : "light"
    const gate = side.signals[name].kind === "gate"
    const called = this.style(side).name(name)
    return make("details", { class: "gw-pushes", open: "" },
      make("summary", { text: gate ? tr("What pushed {signal} open (right) or shut (left)", { signal: called }) : tr("What pushed {signal} up (right) or down (left)", { signal: called }) }),
      ...found.map(([label, v]) => make("div", { class: "gw-push" }, make("span", { text: label, dir: "auto", title: label }),
        make("span", { class: "gw-track gw-middle" }, make("span", { class: "gw-bar-fill", style: {
          left: `${50 + Math.min(0, (50 * v) / most)}%`, width: `${(50 * Math.abs(v)) / most}%`, background: colorOf(this.scales.signed[mode], v < 0 ? 0.15 : 0.85) } })),
        make("span", { class: "gw-number", text: number(v) }))))
  }

  unitName(side, unit) {
    const named = side.named.find((one) => one.unit === unit)
    return named ? tr("{name} (unit {unit})", { name: named.name, unit }) : tr("unit {unit}", { unit })
  }

  sourceName(side, source, unit) {
    const values = { state: this.style(side).name(source.slice(2).replace("below_", "")), unit: this.unitName(side, unit) }
    if (source === "x") return side.layer ? tr("{state} of the layer below, {unit}", { ...values, state: this.style(side).name(side.output) }) : tr("input, {unit}", values)
    return source.includes("below_") ? tr("{state} of the layer below, {unit}", values) : tr("old {state}, {unit}", values)
  }

  read(side, at) {
    const word = named(side, at)
    return side.embedded ? tr("the word {word}", { word }) : tr("the input at {step}", { step: word })
  }

  vector(side, name, at, k) {
    const signal = side.signals[name]
    const row = side.values[signal.value][at]
    const gate = signal.kind === "gate"
    const most = gate ? 1 : this.largest(side, signal.value)
    const mode = this.dark ? "dark" : "light"
    const cells = Array.from(row, (v, unit) => make("button", { type: "button", class: `gw-cell${unit === this.units[k] ? " gw-here" : ""}`, title: tr("{name}: {value}", { name: this.unitName(side, unit), value: number(v) }),
      "aria-label": tr("{name}, {value}", { name: this.unitName(side, unit), value: number(v) }), style: { background: gate ? colorOf(this.scales.gate[mode], v) : colorOf(this.scales.signed[mode], 0.5 + (0.5 * v) / most) },
      onclick: () => this.pickUnit(k, unit) }))
    const box = make("div", { class: "gw-equation", "data-signal": name }, make("p", { class: "gw-meaning" }, italic(this.style(side).name(name)), ` ${signal.meaning}`))
    box.append(equation(name, side.equations[name].tree, letters), make("div", { class: "gw-vector" }, ...cells))
    return box
  }

  // ---- the exercise

  question(side, stage, unit, at, k) {
    const name = stage.signals[0]
    const signal = side.signals[name]
    const value = this.value(side, signal.value, unit, at)
    const old = at > 0 ? this.value(side, signal.value, unit, side.backward ? at + 1 : at - 1) : 0
    const values = { signal: name, unit: this.unitName(side, unit) }
    const [ask, answers, right] = signal.kind === "gate" ? [tr("At {word}, will {signal} of {unit} be open (over 0.5) or shut?", values), { open: tr("open"), shut: tr("shut") }, value > 0.5]
      : signal.kind === "candidate" ? [tr("At {word}, will {signal} of {unit} be positive or negative?", values), { positive: tr("positive"), negative: tr("negative") }, value > 0]
      : [tr("At {word}, will {signal} of {unit} rise or fall?", values), { rise: tr("rise"), fall: tr("fall") }, value > old]
    const answer = (said) => {
      this.asked += 1
      this.right += said === right ? 1 : 0
      this.guesses[k] = this.verdict(said === right, { signal: name, value: number(value), old: number(old) }, signal.kind === "state")
      this.render()
    }
    const buttons = Object.entries(answers).map(([key, text], place) => make("button", { type: "button", class: "gw-button gw-guess", text, test: `gw-guess-${k}-${key}`, onclick: () => answer(place === 0) }))
    const [before, after] = ask.split("{word}")
    return make("div", { class: "gw-question" }, make("p", {}, before, make("b", { text: side.tokens[at], dir: "auto" }), after), ...buttons)
  }

  verdict(right, values, state) {
    if (state) return right ? tr("Right: {signal} is {value}, after {old}.", values) : tr("Not so: {signal} is {value}, after {old}.", values)
    return right ? tr("Right: {signal} is {value}.", values) : tr("Not so: {signal} is {value}.", values)
  }

  // Where a drawing goes on beyond the edge, it fades out.
  fade(box) {
    box.classList.toggle("gw-more", box.scrollLeft + box.clientWidth < box.scrollWidth - 1)
  }

  // ---- the repeating module, unrolled over the sentence

  unroll(panel, side) {
    if (!side || !this.count) return
    const width = panel.root.clientWidth
    if (!width) return
    this.fade(panel.box)
    const at = this.step(side)
    const pitch = Math.max(58, Math.min(110, width / side.tokens.length))
    const seen = Math.max(1, Math.floor(width / pitch))
    const from = clamp(at - Math.floor(seen / 2), 0, Math.max(0, side.tokens.length - seen))
    const place = side.signals[side.memory].value
    const unit = this.units[this.sides.indexOf(side)]
    const size = (t) => (this.all ? Math.hypot(...side.values[place][t]) / Math.sqrt(side.hidden) : this.value(side, place, unit, t))
    const hidden = this.hidden(side)
    const most = this.largest(side, place)
    const mode = this.dark ? "dark" : "light"
    const children = []
    const told = []
    for (let t = from; t < Math.min(from + seen, side.tokens.length); t++) {
      const x = (t - from) * pitch
      const known = !(hidden.size && (side.backward ? t <= at : t >= at))
      const value = size(t)
      const carried = known ? 1.5 + (10 * Math.abs(value)) / most : 1
      const next = side.backward ? [x - pitch / 2, x + pitch / 2] : [x + pitch / 2, x + (3 * pitch) / 2]
      children.unshift(svg("rect", { class: `gw-module${t === at ? " gw-here" : ""}`, x: x + pitch * 0.14, y: 4, width: pitch * 0.72, height: 44, rx: 6 }))
      children.push(svg("line", { class: "gw-carried", x1: next[0], x2: next[1], y1: 16, y2: 16, "stroke-width": carried.toFixed(2),
        stroke: known ? colorOf(this.scales.signed[mode], 0.5 + 0.5 * Math.sign(value) * (0.25 + (0.75 * Math.abs(value)) / most)) : "currentColor" }))
      told.push(tr("{word} {value}", { word: named(side, t), value: known ? number(value) : "?" }))
      const label = svg("text", { x: x + pitch / 2, y: 66, class: t === at ? "gw-here" : "" })
      label.textContent = Array.from(side.tokens[t]).slice(0, Math.max(3, Math.floor(pitch / 8))).join("")
      const figure = svg("text", { x: x + pitch / 2, y: 40, class: "gw-figure" })
      figure.textContent = known ? number(value) : "?"
      const hit = svg("rect", { class: "gw-hit", x, y: 0, width: pitch, height: 72 })
      hit.addEventListener("click", () => this.go(side === this.sides[0] ? t : Math.min(t, this.count - 1)))
      children.push(label, figure, hit)
    }
    panel.strip.setAttribute("width", width)
    panel.strip.setAttribute("height", 74)
    panel.strip.setAttribute("role", "img")
    const values = { state: this.style(side).name(side.memory), unit: this.unitName(side, unit) }
    const about = this.all ? tr("{state} carried from step to step, root mean square over all units", values) : tr("{state} of {unit}, carried from step to step", values)
    panel.carried.textContent = about
    panel.strip.setAttribute("aria-label", tr("{about}: {values}.", { about, values: list(told) }))
    panel.strip.replaceChildren(...children)
  }
}
