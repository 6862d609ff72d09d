// Guess before you see: a question at each stage, and how many answers were right.
import { make } from "../page/dom.js"
import { number } from "../page/numbers.js"
import { tr } from "../page/words.js"

/** @import { Moment } from "./moment.js" */

export class Exercise {
  on = false
  right = 0
  asked = 0
  /** @type {Record<number, string>} what was said of the answer on each side */
  verdicts = {}

  toggle() {
    this.on = !this.on
    this.right = this.asked = 0
    this.verdicts = {}
  }

  get score() {
    return this.on ? tr("{right} of {asked} right", { right: this.right, asked: this.asked }) : ""
  }

  /** @param {Moment} here @param {string} name of the signal @param {() => void} answered */
  question(here, name, answered) {
    const { side, k, at } = here
    const { kind } = side.signals[name]
    const value = here.signal(name)
    const before = side.backward ? at + 1 : at - 1
    const old = at > 0 ? here.signal(name, before) : 0
    const { ask, answers, first } = question(kind, { signal: name, unit: here.unitName() }, value, old)
    /** @param {boolean} said */
    const answer = (said) => {
      this.asked += 1
      this.right += said === first ? 1 : 0
      const values = { signal: name, value: number(value, 2), old: number(old, 2) }
      this.verdicts[k] = verdict(said === first, values, kind === "state")
      answered()
    }
    const buttons = Object.entries(answers).map(([key, text], place) =>
      make("button", {
        type: "button",
        class: "gw-button gw-guess",
        text,
        test: `gw-guess-${k}-${key}`,
        onclick: () => answer(place === 0),
      }),
    )
    const [start, end] = ask.split("{word}")
    const word = make("b", { text: side.tokens[at], dir: "auto" })
    return make("div", { class: "gw-question" }, make("p", {}, start, word, end), ...buttons)
  }
}

// What is asked, the answers, and whether the first of them is right.
/** @param {string} kind @param {{ signal: string, unit: string }} values @param {number} value @param {number} old */
function question(kind, values, value, old) {
  if (kind === "gate") {
    const ask = tr("At {word}, will {signal} of {unit} be open (over 0.5) or shut?", values)
    return { ask, answers: { open: tr("open"), shut: tr("shut") }, first: value > 0.5 }
  }
  if (kind === "candidate") {
    const ask = tr("At {word}, will {signal} of {unit} be positive or negative?", values)
    return { ask, answers: { positive: tr("positive"), negative: tr("negative") }, first: value > 0 }
  }
  const ask = tr("At {word}, will {signal} of {unit} rise or fall?", values)
  return { ask, answers: { rise: tr("rise"), fall: tr("fall") }, first: value > old }
}

/** @param {boolean} right @param {{ signal: string, value: string, old: string }} values @param {boolean} state */
function verdict(right, values, state) {
  if (state) {
    return right
      ? tr("Right: {signal} is {value}, after {old}.", values)
      : tr("Not so: {signal} is {value}, after {old}.", values)
  }
  return right ? tr("Right: {signal} is {value}.", values) : tr("Not so: {signal} is {value}.", values)
}
