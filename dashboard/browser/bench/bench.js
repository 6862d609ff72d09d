// The bench: an LSTM of one unit whose weights a hand sets, or a training, and three puzzles that check themselves.
import { dress, make } from "../page/dom.js"
import { hold } from "../page/hold.js"
import { number } from "../page/numbers.js"
import { tr } from "../page/words.js"
import { picture } from "./picture.js"
import { GATES, LARGEST, PEEPHOLES, PUZZLES, READS, checked, drawn, learner, loss, nothing, run } from "./puzzles.js"

/** @import { Cell } from "./puzzles.js" */

const STEPS = 800 // of a training
const PAUSE = 30 // milliseconds between two pictures of it

export default hold((parent) => new Bench(parent))

/** @type {() => Record<string, { title: string, goal: string, inputs: [string, string] }>} */
const puzzles = () => ({
  hold: {
    title: tr("Hold a bit"),
    goal: tr(
      "At a mark, take in the value, +1 or −1, and show its sign in h at every step until the next mark, at least 0.3. The values without a mark are to change nothing.",
    ),
    inputs: [tr("value"), tr("mark")],
  },
  count: {
    title: tr("Count"),
    goal: tr(
      "Count the a's and take one off for each b: c is to rise by the same amount at every a and to fall by it at every b, to half a count, over up to 24 letters.",
    ),
    inputs: ["a", "b"],
  },
  latch: {
    title: tr("Latch on a word"),
    goal: tr(
      "Once the word “fire” was read, h is to be at least 0.5 for good; before it, and in a text without it, at most 0.2.",
    ),
    inputs: [tr("“fire”"), tr("others")],
  },
})

export class Bench {
  puzzle = "hold"
  text = 0
  weights = nothing()
  peepholes = new Set()
  /** @type {Cell | undefined} */
  cell = undefined
  /** @type {number | undefined} */
  timer = undefined
  said = "" // of a training

  /** @param {HTMLElement} parent */
  constructor(parent) {
    dress(parent, "bench.css", import.meta.url)
    const summary = make("summary", { test: "gb-summary", text: tr("Set the weights of one cell by hand") })
    this.body = make("div", { class: "gb-body" })
    this.root = make("details", { class: "gb", test: "gb" }, summary, this.body)
    this.root.ontoggle = () => (this.root.open ? this.begin() : this.stop())
    parent.append(this.root)
  }

  /** @param {{ cell: string }} content */
  take(content) {
    this.content = content
    if (this.root.open) this.begin()
  }

  close() {
    this.stop()
    this.root.remove()
  }

  async begin() {
    if (this.cell || !this.content) return
    const module = await import(`../cells/${this.content.cell}.js`)
    this.cell = module.step
    this.render()
  }

  // ---- what a visitor does

  /** @param {string} puzzle */
  choose(puzzle) {
    this.stop()
    Object.assign(this, { puzzle, text: 0, said: "", weights: nothing() })
    this.render()
  }

  /** @param {Record<string, number>} weights */
  set(weights) {
    this.stop()
    this.said = ""
    this.weights = { ...weights }
    this.show()
  }

  /** @param {string} name of a peephole */
  toggle(name) {
    this.stop()
    if (this.peepholes.delete(name)) this.weights[name] = 0
    else this.peepholes.add(name)
    this.render()
  }

  stop() {
    clearTimeout(this.timer)
    this.timer = undefined
    this.trainButton?.replaceChildren(tr("Let training find them"))
  }

  train() {
    if (this.timer !== undefined) return this.stop()
    const [cell, puzzle] = [/** @type {Cell} */ (this.cell), PUZZLES[this.puzzle]]
    const names = [...GATES.flatMap((gate) => READS.map((read) => `${gate} ${read}`)), ...this.peepholes]
    this.weights = drawn(Math.random)
    const learn = learner(cell, puzzle, this.weights, names)
    let k = 0
    const on = () => {
      for (const until = performance.now() + PAUSE; performance.now() < until && k < STEPS; k++) learn()
      const values = { count: k, loss: number(loss(cell, puzzle, this.weights), 3) }
      const solved = checked(cell, puzzle, this.weights).flat().every(Boolean)
      this.said = solved
        ? tr("Training found weights that solve it in {count} steps from random ones.", values)
        : k < STEPS
          ? tr("Training: step {count}, loss {loss}.", values)
          : tr("Training did not find them in {count} steps from these random weights; try it again.", values)
      this.timer = solved || k >= STEPS ? undefined : window.setTimeout(on, PAUSE)
      this.show()
      if (this.timer === undefined) this.stop()
    }
    this.timer = window.setTimeout(on, 0)
    this.trainButton?.replaceChildren(tr("Stop"))
    return undefined
  }

  // ---- drawing

  render() {
    const told = puzzles()
    const tabs = Object.entries(told).map(([name, { title }]) =>
      make("button", {
        type: "button",
        class: "gb-tab",
        test: `gb-${name}`,
        text: title,
        "aria-pressed": String(name === this.puzzle),
        onclick: () => this.choose(name),
      }),
    )
    const puzzle = PUZZLES[this.puzzle]
    const texts = puzzle.texts.map((_, k) =>
      make("button", {
        type: "button",
        class: "gb-tab",
        text: tr("text {number}", { number: k + 1 }),
        "aria-pressed": String(k === this.text),
        onclick: () => {
          this.text = k
          this.render()
        },
      }),
    )
    const button = (/** @type {string} */ test, /** @type {string} */ text, /** @type {() => void} */ onclick) =>
      make("button", { type: "button", class: "gb-button", test, text, onclick })
    this.trainButton = button("gb-train", this.timer === undefined ? tr("Let training find them") : tr("Stop"), () =>
      this.train(),
    )
    this.verdict = make("p", { class: "gb-verdict", test: "gb-verdict", role: "status" })
    this.drawing = make("div", {})
    this.body.replaceChildren(
      make("p", {
        class: "gb-intro",
        text: tr(
          "An LSTM of one unit that reads two numbers at each step. A person can pick its weights by hand; in a network nobody does, and training has to find the same by going down the loss.",
        ),
      }),
      make("div", { class: "gb-tabs", role: "group", "aria-label": tr("Puzzles") }, ...tabs),
      make("p", { class: "gb-goal", text: told[this.puzzle].goal }),
      this.table(told[this.puzzle].inputs),
      this.switches(),
      make(
        "div",
        { class: "gb-tabs" },
        button("gb-zero", tr("All to 0"), () => this.set(nothing())),
        button("gb-solution", tr("Show a solution"), () => this.set(puzzle.solution)),
        this.trainButton,
      ),
      this.verdict,
      make("div", { class: "gb-tabs", role: "group", "aria-label": tr("Texts of the puzzle") }, ...texts),
      this.drawing,
    )
    this.show()
  }

  /** @param {[string, string]} inputs */
  table(inputs) {
    const says = {
      i: tr("input gate"),
      f: tr("forget gate"),
      g: tr("candidate: what is written"),
      o: tr("output gate"),
    }
    const reads = [...inputs, tr("old h"), tr("bias"), ...(this.peepholes.size ? [tr("memory c")] : [])]
    const head = make("tr", {}, make("td"), ...reads.map((text) => make("th", { scope: "col", text })))
    /** @type {Map<string, { input: HTMLInputElement, value: HTMLOutputElement }>} */
    this.sliders = new Map()
    const rows = Object.entries(says).map(([gate, text]) => {
      const title = make("th", { scope: "row" }, make("i", { text: gate }), ` ${text}`)
      const names = [...READS, ...(this.peepholes.size ? ["c"] : [])].map((read) => `${gate} ${read}`)
      const cells = names.map((name, k) =>
        name.endsWith(" c") && !this.peepholes.has(name) ? make("td") : this.slider(name, gate, reads[k]),
      )
      return make("tr", {}, title, ...cells)
    })
    return make("div", { class: "gb-table" }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)))
  }

  /** @param {string} name @param {string} gate @param {string} read */
  slider(name, gate, read) {
    const label = tr("weight of {read} in {gate}", { read, gate })
    const value = make("output")
    const range = { type: "range", min: -LARGEST, max: LARGEST, step: 0.1, "aria-label": label }
    const input = make("input", { ...range, test: `gb-${name.replace(" ", "-")}` })
    input.oninput = () => {
      this.stop()
      this.said = ""
      this.weights[name] = Number(input.value)
      this.show()
    }
    this.sliders?.set(name, { input, value })
    return make("td", {}, input, value)
  }

  switches() {
    const boxes = PEEPHOLES.map((name) => {
      const box = make("input", { type: "checkbox", test: `gb-peephole-${name[0]}` })
      box.checked = this.peepholes.has(name)
      box.onchange = () => this.toggle(name)
      return make("label", {}, box, make("i", { text: name[0] }))
    })
    return make(
      "div",
      { class: "gb-tabs" },
      make("span", { text: tr("Gates with a peephole, which see c:") }),
      ...boxes,
    )
  }

  // The weights, the picture and the verdict, as they are now.
  show() {
    if (!this.cell) return
    this.sliders?.forEach(({ input, value }, name) => {
      input.value = String(this.weights[name])
      value.textContent = number(this.weights[name], 1)
    })
    const puzzle = PUZZLES[this.puzzle]
    const text = puzzle.texts[this.text]
    const right = checked(this.cell, puzzle, this.weights)
    const steps = run(this.cell, this.weights, text.inputs)
    this.drawing?.replaceChildren(picture(puzzle, puzzles()[this.puzzle].inputs, text, steps, right[this.text]))
    const all = right.flat()
    const values = { right: all.filter(Boolean).length, count: all.length, texts: right.length }
    const solved = values.right === values.count
    const verdict = solved
      ? tr("Solved: every step of {texts} texts is right.", values)
      : tr("Not yet: right at {right} of {count} steps.", values)
    this.verdict?.replaceChildren(make("b", { text: verdict }), ` ${this.said}`)
    this.root.dataset.solved = String(solved)
  }
}
