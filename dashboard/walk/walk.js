// The walk through a cell: one word, one stage at a time. Everything here happens in the browser, on the numbers of one message.
import { fill, load, make } from "./dom.js"
import { Drawing, leastWidth, svg } from "./drawing.js"
import { equation, lettered, letters, number } from "./formula.js"
import { colorOf, inkOn } from "./scale.js"
import { unpack } from "./unpack.js"
import { kept, remember } from "./url.js"

const walks = new WeakMap()
const clamp = (value, low, high) => Math.max(low, Math.min(high, value))
const quoted = (text) => `“${text}”`

function italic(name) {
  const [base, index] = lettered(name)
  return make("i", { text: base }, make("sub", { text: index }))
}

export default function mount({ data, parentElement }) {
  let walk = walks.get(parentElement)
  if (!walk) {
    walk = new Walk(parentElement)
    walks.set(parentElement, walk)
  }
  walk.take(unpack(data))
  return () => {
    walk.close()
    walks.delete(parentElement)
  }
}

class Walk {
  constructor(parent) {
    load("link", new URL("walk.css", import.meta.url).href)
    const button = (test, text, title, onclick) => make("button", { type: "button", class: "gw-button", test, text, title, onclick })
    this.words = make("div", { class: "gw-words", test: "gw-words", role: "listbox", "aria-label": "Words of the sentence" })
    this.stages = make("div", { class: "gw-stages", test: "gw-stages", role: "tablist", "aria-label": "Stages of one step" })
    this.exerciseButton = button("gw-exercise", "Exercise", "Guess before you see (x)", () => this.toggleExercise())
    this.viewButton = button("gw-view", "All units", "One unit or all of them (v)", () => this.toggleView())
    this.score = make("span", { class: "gw-score", test: "gw-score", role: "status" })
    this.head = make("div", { class: "gw-head" },
      button("gw-back", "‹ Back", "Left arrow", () => this.move(-1)), this.stages, button("gw-next", "Next ›", "Right arrow", () => this.move(1)),
      make("div", { class: "gw-tools" }, this.viewButton, this.exerciseButton, this.score, button("gw-full", "Full screen", "f", () => this.fullScreen())))
    this.columns = make("div", { class: "gw-columns" })
    this.empty = make("p", { class: "gw-empty", text: "Type a sentence above, or choose an example.", hidden: "" })
    this.status = make("p", { class: "gw-status", test: "gw-status", "aria-live": "polite" })
    this.root = make("div", { class: "gw", test: "gw", role: "group", tabindex: "-1" }, this.words, this.head, this.status, this.empty, this.columns)
    parent.append(this.root)
    this.stage = Number(kept.stage ?? new URLSearchParams(location.search).get("stage")) || 0
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
    this.sides = content.sides
    this.count = this.sides[0].tokens.length
    const text = JSON.stringify(this.sides[0].words)
    if (this.text !== undefined && this.text !== text) kept.at = this.at = -1 // a new sentence is read to its end
    this.text = text
    const wanted = this.at ?? Number(kept.at ?? content.at)
    this.at = clamp(wanted < 0 ? wanted + this.count : wanted, 0, Math.max(0, this.count - 1))
    const models = this.sides.map((side) => side.model).join()
    if (models !== this.models) this.units = this.sides.map((side, k) => this.valid(side, this.models ? undefined : [kept.unit, kept.unit2][k]) ?? side.unit)
    this.models = models
    this.names = [...new Set(["What to forget", "What to look back at", "What to write", "Update the memory", "What to show"].filter((name) =>
      this.sides.some((side) => side.stages.some((stage) => stage.name === name))))]
    this.stage = clamp(this.stage, 0, this.names.length - 1)
    this.chosen = null
    this.guesses = {}
    this.columns.style.setProperty("--gw-least", `${Math.max(...this.sides.map(leastWidth))}px`)
    while (this.panels.length < this.sides.length) this.panels.push(this.panel(this.panels.length))
    this.render()
  }

  valid(side, unit) {
    return unit !== undefined && Number.isInteger(Number(unit)) && Number(unit) < side.hidden ? Number(unit) : undefined
  }

  panel(k) {
    const drawing = new Drawing((node) => this.pick(k, node))
    const select = make("select", { test: `gw-unit-${k}`, "aria-label": `Unit of model ${k + 1}`, onchange: () => this.pickUnit(k, Number(select.value)) })
    const title = make("div", { class: "gw-title" }, make("strong"), make("span"), select)
    const stage = make("div", { class: "gw-stage", test: `gw-stage-${k}` })
    const strip = svg("svg", { class: "gw-strip", "data-testid": `gw-strip-${k}` })
    const root = make("section", { class: "gw-column" }, title, make("div", { class: "gw-strip-box" }, strip), make("div", { class: "gw-drawing-box" }, drawing.root), stage)
    drawing.root.setAttribute("data-testid", `gw-drawing-${k}`)
    this.columns.append(root)
    return { drawing, select, title, stage, strip, root }
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
    remember({ at: this.at, stage: this.stage || null, unit: this.units[0], unit2: this.units[1], view: this.all ? "all" : null })
  }

  pick(k, node) {
    this.chosen = this.chosen && this.chosen.k === k && this.chosen.id === node.id ? null : { k, id: node.id }
    this.render()
  }

  pickUnit(k, unit) {
    this.units[k] = unit
    this.guesses = {}
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
    if (event.ctrlKey || event.metaKey || event.altKey || !this.count) return
    if (focus !== document.body && !focus.closest("header") && !(this.root.contains(focus) && focus.tagName !== "SELECT")) return
    const act = {
      ArrowRight: () => (event.shiftKey ? this.go(this.at + 1) : this.move(1)),
      ArrowLeft: () => (event.shiftKey ? this.go(this.at - 1) : this.move(-1)),
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
    return tree.s || tree.o === "@" ? this.value(side, tree.v, unit, at) : undefined
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
    for (const part of [this.words, this.head, this.columns, this.status]) part.hidden = nothing
    if (nothing) return
    this.dark = this.isDark()
    this.root.classList.toggle("gw-dark", this.dark)
    this.root.dataset.at = this.at
    this.root.dataset.stage = this.stage
    this.drawWords()
    this.stages.replaceChildren(...this.names.map((name, k) => make("button", {
      type: "button", role: "tab", class: "gw-tab", text: `${k + 1}. ${name}`, "aria-selected": String(k === this.stage), onclick: () => this.go(this.at, k) })))
    this.viewButton.textContent = this.all ? "One unit" : "All units"
    this.exerciseButton.textContent = this.exercise ? "End exercise" : "Exercise"
    this.score.textContent = this.exercise ? `${this.right} of ${this.asked} right` : ""
    this.panels.forEach((panel, k) => this.drawPanel(panel, this.sides[k], k))
    const word = this.sides[0].tokens[this.at]
    this.status.textContent = `${this.names[this.stage]}, at ${quoted(word)}, word ${this.at + 1} of ${this.count}.`
  }

  drawWords() {
    const { words } = this.sides[0]
    if (this.drawnWords !== words) {
      this.drawnWords = words
      this.words.replaceChildren(...words.map(([text, first, , known]) => make("button", {
        type: "button", class: `gw-word${known ? "" : " gw-unknown"}`, text, dir: "auto", role: "option",
        title: known ? text : `${text}: not in the vocabulary, read as <unk>`, onclick: () => this.go(first) })))
    }
    const here = words.findIndex(([, first, last]) => first <= this.at && this.at <= last)
    for (const node of this.words.querySelectorAll("[aria-selected=true]")) this.select(node, false)
    if (here >= 0) this.select(this.words.children[here], true)
  }

  select(node, here) {
    node.classList.toggle("gw-here", here)
    node.setAttribute("aria-selected", String(here))
    if (here) requestAnimationFrame(() => node.scrollIntoView({ block: "nearest", inline: "nearest" }))
  }

  drawPanel(panel, side, k) {
    const unit = this.units[k]
    const at = this.step(side)
    panel.title.children[0].textContent = side.title
    panel.title.children[1].textContent = side.model
    const others = Array.from({ length: side.hidden }, (_, one) => [one, `unit ${one}`])
    const named = side.named.map((one) => [one.unit, `${one.name} (unit ${one.unit})`])
    fill(panel.select, named.length ? [{ group: "named", options: named }, { group: "all", options: others }] : others, unit)
    const hidden = this.hidden(side)
    const stage = side.stages.find((one) => one.name === this.names[this.stage])
    panel.drawing.build(side)
    panel.drawing.paint(
      (item) => this.look(side, item, unit, at, hidden),
      new Set(stage?.signals ?? []),
      (node) => this.describe(side, node, unit, at, hidden),
      [-1, 0, 1].map((by) => side.tokens[side.backward ? at - by : at + by] ?? ""),
      this.chosen?.k === k ? this.chosen.id : undefined)
    const node = this.chosen?.k === k ? side.diagram.nodes.find((one) => one.id === this.chosen.id) : null
    panel.stage.replaceChildren(...(node ? this.explain(side, node, unit, at, hidden) : this.tellStage(side, stage, unit, at, hidden, k)))
    this.unroll(panel, side)
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
    const name = node.signal ? `${node.signal}: ${side.signals[node.signal]?.meaning ?? ""}` : { old: `${node.label}, from the step before`, input: "what is read" }[node.kind] ?? node.kind
    return value === undefined || hidden.size ? name : `${name}, ${number(value)}`
  }

  // A node that was clicked: its value, its formula and what it means.
  explain(side, node, unit, at, hidden) {
    const value = this.value(side, node.value, unit, at)
    const signal = side.signals[node.signal]
    const meaning = signal?.meaning ?? {
      old: `${node.label} as the step before left it`, input: `${side.reads} ${quoted(side.tokens[at])}${side.reads === "the word" ? ", as the numbers of its embedding" : ""}`,
      product: "multiplies what comes in, unit by unit", sum: "adds what comes in, unit by unit", layer: "a layer of its own weights: matrix products and a bias",
      function: "applied to each unit by itself", difference: "subtracts, unit by unit", quotient: "divides, unit by unit" }[node.kind]
    const parts = [make("h3", { text: node.signal ? `${node.signal}, ${signal?.kind ?? ""}` : node.kind }), make("p", { class: "gw-text", text: `${meaning[0].toUpperCase()}${meaning.slice(1)}.` })]
    const shown = value !== undefined && !hidden.has(node.signal)
    if (node.formula.o) {
      const lines = make("div", { class: "gw-equation" })
      const name = node.signal ?? "value"
      lines.append(equation(name, node.formula, letters))
      if (shown) lines.append(equation(name, node.formula, (tree) => this.leaf(side, tree, unit, at), value))
      parts.push(lines)
    } else if (shown) parts.push(make("p", { class: "gw-text", text: `Value for unit ${unit}: ${number(value)}` }))
    parts.push(make("button", { type: "button", class: "gw-button", text: "Back to the stage", onclick: () => { this.chosen = null; this.render() } }))
    return parts
  }

  tellStage(side, stage, unit, at, hidden, k) {
    if (!stage) {
      const share = side.derived[this.names[this.stage]]?.replace("-", "−")
      const text = share ? `The ${side.title} has no gate of its own for this: the share is ${share}.` : `Nothing is decided here: the ${side.title} has no such gate.`
      return [make("p", { class: "gw-text gw-none", text })]
    }
    const parts = [make("p", { class: "gw-text", text: stage.text })]
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
    box.append(make("p", { class: "gw-meaning" }, italic(name), ` ${signal.meaning}`))
    box.append(equation(name, tree, letters), equation(name, tree, (node) => this.leaf(side, node, unit, at), value), this.bar(signal, value, side))
    if (pushes.length) box.append(this.pushes(side, pushes, unit, at, name))
    return box
  }

  bar(signal, value, side) {
    const gate = signal.kind === "gate"
    const most = gate ? 1 : Math.max(1, this.largest(side, signal.value))
    const mode = this.dark ? "dark" : "light"
    const fill = make("span", { class: "gw-bar-fill", style: {
      left: gate ? "0" : `${50 + Math.min(0, (50 * value) / most)}%`, width: `${(gate ? 100 : 50) * Math.abs(value) / most}%`,
      background: gate ? colorOf(this.scales.gate[mode], 0.45 + 0.55 * value) : colorOf(this.scales.signed[mode], value < 0 ? 0.15 : 0.85) } })
    const low = gate ? "0" : number(-most)
    return make("div", { class: `gw-bar${gate ? "" : " gw-signed"}`, role: "img", "aria-label": `${number(value)} between ${low} and ${number(most)}` },
      make("span", { class: "gw-end-label", text: low }), make("span", { class: "gw-track" }, fill), make("span", { class: "gw-end-label", text: gate ? "1" : number(most) }))
  }

  // The largest contributions to W x + U h + b: which word, which hidden units pushed this gate open or shut.
  pushes(side, pushes, unit, at, name) {
    const found = []
    let rest = 0
    for (const push of pushes) {
      const total = this.value(side, push.value, unit, at)
      if (push.label) found.push([push.label, total])
      else if (push.bias) found.push([`bias ${push.bias}`, total])
      else if (!side.sources[push.source]) found.push([push.source === "x" ? `${side.reads} ${quoted(side.tokens[at])}` : push.matrix, total])
      else {
        const weights = side.matrices[push.matrix][unit]
        const source = side.sources[push.source][at]
        const parts = Array.from(source, (v, j) => [j, weights[j] * v]).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]))
        const where = push.source === "x" ? "input" : `old ${push.source.slice(2).replace("below_", "below ")}`
        for (const [j, v] of parts.slice(0, 4)) found.push([`${where}, ${this.unitName(side, j)}`, v])
        for (const [, v] of parts.slice(4)) rest += v
      }
    }
    found.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]))
    if (rest) found.push(["all other units", rest])
    const most = Math.max(...found.map(([, v]) => Math.abs(v)), 1e-9)
    const mode = this.dark ? "dark" : "light"
    const gate = side.signals[name].kind === "gate"
    return make("details", { class: "gw-pushes", open: "" }, make("summary", { text: gate ? `What pushed ${name} open (right) or shut (left)` : `What pushed ${name} up (right) or down (left)` }),
      ...found.map(([label, v]) => make("div", { class: "gw-push" }, make("span", { text: label, dir: "auto", title: label }),
        make("span", { class: "gw-track gw-middle" }, make("span", { class: "gw-bar-fill", style: {
          left: `${50 + Math.min(0, (50 * v) / most)}%`, width: `${(50 * Math.abs(v)) / most}%`, background: colorOf(this.scales.signed[mode], v < 0 ? 0.15 : 0.85) } })),
        make("span", { class: "gw-number", text: number(v) }))))
  }

  unitName(side, unit) {
    const named = side.named.find((one) => one.unit === unit)
    return named ? `${named.name} (unit ${unit})` : `unit ${unit}`
  }

  vector(side, name, at, k) {
    const signal = side.signals[name]
    const row = side.values[signal.value][at]
    const gate = signal.kind === "gate"
    const most = gate ? 1 : this.largest(side, signal.value)
    const mode = this.dark ? "dark" : "light"
    const cells = Array.from(row, (v, unit) => make("button", { type: "button", class: `gw-cell${unit === this.units[k] ? " gw-here" : ""}`, title: `${this.unitName(side, unit)}: ${number(v)}`,
      "aria-label": `${this.unitName(side, unit)}, ${number(v)}`, style: { background: gate ? colorOf(this.scales.gate[mode], v) : colorOf(this.scales.signed[mode], 0.5 + (0.5 * v) / most) },
      onclick: () => this.pickUnit(k, unit) }))
    const box = make("div", { class: "gw-equation", "data-signal": name }, make("p", { class: "gw-meaning" }, italic(name), ` ${signal.meaning}`))
    box.append(equation(name, side.equations[name].tree, letters), make("div", { class: "gw-vector" }, ...cells))
    return box
  }

  // ---- the exercise

  question(side, stage, unit, at, k) {
    const name = stage.signals[0]
    const signal = side.signals[name]
    const value = this.value(side, signal.value, unit, at)
    const old = at > 0 ? this.value(side, signal.value, unit, side.backward ? at + 1 : at - 1) : 0
    const [ask, yes, no, right] = signal.kind === "gate" ? ["be open (over 0.5) or shut", "open", "shut", value > 0.5]
      : signal.kind === "candidate" ? ["be positive or negative", "positive", "negative", value > 0] : ["rise or fall", "rise", "fall", value > old]
    const answer = (said) => {
      this.asked += 1
      this.right += said === right ? 1 : 0
      this.guesses[k] = `${said === right ? "Right" : "Not so"}: ${name} is ${number(value)}${signal.kind === "state" ? `, after ${number(old)}` : ""}.`
      this.render()
    }
    const buttons = [[yes, true], [no, false]].map(([text, said]) => make("button", { type: "button", class: "gw-button gw-guess", text, test: `gw-guess-${k}-${text}`, onclick: () => answer(said) }))
    return make("div", { class: "gw-question" }, make("p", {}, "At ", make("b", { text: side.tokens[at], dir: "auto" }), `, will ${name} of ${this.unitName(side, unit)} ${ask}?`), ...buttons)
  }

  // ---- the repeating module, unrolled over the sentence

  unroll(panel, side) {
    if (!side || !this.count) return
    const width = panel.root.clientWidth
    if (!width) return
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
    for (let t = from; t < Math.min(from + seen, side.tokens.length); t++) {
      const x = (t - from) * pitch
      const known = !(hidden.size && (side.backward ? t <= at : t >= at))
      const value = size(t)
      const carried = known ? 1.5 + (10 * Math.abs(value)) / most : 1
      const next = side.backward ? [x - pitch / 2, x + pitch / 2] : [x + pitch / 2, x + (3 * pitch) / 2]
      children.unshift(svg("rect", { class: `gw-module${t === at ? " gw-here" : ""}`, x: x + pitch * 0.14, y: 4, width: pitch * 0.72, height: 44, rx: 6 }))
      children.push(svg("line", { class: "gw-carried", x1: next[0], x2: next[1], y1: 16, y2: 16, "stroke-width": carried.toFixed(2),
        stroke: known ? colorOf(this.scales.signed[mode], 0.5 + 0.5 * Math.sign(value) * (0.25 + (0.75 * Math.abs(value)) / most)) : "currentColor" }))
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
    panel.strip.setAttribute("aria-label", `${side.memory} of ${this.all ? "all units" : this.unitName(side, unit)} carried from word to word; the thicker the line, the more is carried`)
    panel.strip.replaceChildren(...children)
  }

  isDark() {
    const [r, g, b] = (getComputedStyle(this.root).getPropertyValue("--st-background-color").match(/[0-9a-f]{2}/gi) ?? ["ff", "ff", "ff"]).map((part) => parseInt(part, 16))
    return 0.3 * r + 0.6 * g + 0.1 * b < 128
  }
}
