// The cell as a program: a short one with what each line gives at this step, and one that runs, to be copied.
import { make } from "../page/dom.js"
import { number } from "../page/numbers.js"
import { tr } from "../page/words.js"
import { program } from "./notation.js"

/** @import { Moment } from "./moment.js" */

// The stage's lines stand out.
/** @param {HTMLElement} box @param {Moment} here @param {boolean} swapped @param {() => void} swap */
export function shortProgram(box, here, swapped, swap) {
  const { side, stage } = here
  const now = new Set(stage?.signals)
  const lines = program(side, here.style, swapped).map(([line, name]) => {
    const says = name && !here.hidden.has(name) ? `  # ${number(here.signal(name), 2)}` : ""
    const look = name && now.has(name) ? "gw-line gw-here" : "gw-line"
    return make("span", { class: look }, line, make("i", { text: says }), "\n")
  })
  const states = Object.values(side.signals).filter(({ kind }) => kind === "state").length
  const order = make("button", {
    type: "button",
    class: "gw-button",
    text: tr("Give the states back in the other order"),
    hidden: states < 2 ? "" : undefined,
    onclick: swap,
  })
  const focus = document.activeElement
  const inside = focus && box.contains(focus) && focus.tagName
  const about = tr("This cell as a short program")
  box.replaceChildren(
    make("summary", { text: about }),
    make("p", {}, order),
    make("pre", { tabindex: "0", "aria-label": about }, ...lines),
  )
  if (inside) /** @type {HTMLElement | null} */ (box.querySelector(inside))?.focus({ preventScroll: true })
}

/** @param {HTMLElement} box @param {string} code */
export function torchProgram(box, code) {
  box.hidden = !code
  if (box.dataset.code === code) return
  box.dataset.code = code
  const about = tr("This cell as PyTorch")
  const status = make("span", { class: "gw-score", role: "status" })
  const copied = () => (status.textContent = tr("Copied."))
  const onclick = () => clipboard(code).then(copied)
  const copy = make("button", { type: "button", class: "gw-button", text: tr("Copy"), onclick })
  box.replaceChildren(
    make("summary", { text: about }),
    make("p", {}, copy, " ", status),
    make("pre", { tabindex: "0", "aria-label": about, text: code }),
  )
}

// Without HTTPS a browser offers no clipboard; what is selected can be copied everywhere.
/** @param {string} text */
async function clipboard(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text)
  const box = make("textarea", { style: { position: "fixed", opacity: "0" } })
  box.value = text
  document.body.append(box)
  box.select()
  document.execCommand("copy")
  box.remove()
}
