// @ts-nocheck
// The words over a column: flat if they fit, else slanted; thinned when there are many; the word at the cursor always shown.
import { make } from "../page/dom.js"
import { wall } from "../page/screen.js"
import { tr } from "../page/words.js"

const pen = document.createElement("canvas").getContext("2d")
const LONGEST = 14 // characters
const ON_THE_WALL = 15 // pixels of a word, which a talk's screen enlarges: 24 of 1080 lines
const SMALL = 12
let size = SMALL
let family = ""
const line = () => size + 5
const slant = () => (4 / 3) * size // between slanted words

export function fontOf(node) {
  family = getComputedStyle(node).fontFamily
  write(wall() ? ON_THE_WALL : SMALL)
}

function write(pixels) {
  size = pixels
  pen.font = `${size}px ${family}`
}

function short(text) {
  const chars = Array.from(text)
  return chars.length > LONGEST ? `${chars.slice(0, LONGEST - 1).join("")}…` : text
}

// How the words of all columns are drawn, given each column's pixels a step: {flat, height}. Words that stand flat only
// when they are small, as Chinese ones may, are small on the wall, too: none of them is to be left out.
export function plan(sides, pitch) {
  const large = planned(sides, pitch)
  if (large.flat || size === SMALL) return large
  write(SMALL)
  const small = planned(sides, pitch)
  if (small.flat) return small
  write(ON_THE_WALL)
  return large
}

function planned(sides, pitch) {
  let flat = true
  let longest = 0
  sides.forEach((side, k) => {
    for (const [text, first, last] of side.words) {
      const width = pen.measureText(short(text)).width
      longest = Math.max(longest, width)
      const gap = text.length > 1 ? 4 : 0 // single characters stand as close as they do in a line of Chinese
      if (width > (last - first + 1) * pitch[k] - gap) flat = false
    }
  })
  return { flat, height: flat ? line() + 1 : Math.min((76 / 12) * size, Math.ceil(longest * 0.64 + 14)) }
}

// A word over several steps gets a line under it: these are its pieces.
export function draw(layer, words, { flat, height }, top, pitch, onPick) {
  const nodes = []
  let free = -Infinity
  for (const [text, first, last, known] of words) {
    const x = ((first + last + 1) / 2) * pitch
    const thin = !flat && x - free < slant()
    if (!thin) free = x
    const node = make("span", {
      class: `gs-word${flat ? "" : " gs-slanted"}${known ? "" : " gs-unknown"}${thin ? " gs-thinned" : ""}`,
      text: short(text),
      dir: "auto",
      title: known ? text : tr("{text}: not in the vocabulary, read as <unk>", { text }),
      style: {
        fontSize: `${size}px`,
        lineHeight: `${line()}px`,
        left: `${top.left + x}px`,
        top: `${top.words + height - (flat ? line() : 4)}px`,
      },
      onpointerdown: (event) => {
        event.stopPropagation()
        event.preventDefault()
        onPick(first)
      },
    })
    nodes.push(Object.assign(node, { first, last, x }))
    if (last > first && pitch > 3) {
      const brace = {
        left: `${top.left + first * pitch + 1}px`,
        width: `${(last - first + 1) * pitch - 2}px`,
        top: `${top.words + height - 1}px`,
      }
      nodes.push(make("span", { class: "gs-brace", style: brace }))
    }
  }
  layer.replaceChildren(...nodes)
}

// Show which word the cursor is on; slanted neighbours that it would cover give way.
export function mark(layer, step) {
  const words = Array.from(layer.children).filter((node) => node.first !== undefined)
  const here = words.find((node) => node.first <= step && step <= node.last)
  for (const node of words) {
    node.classList.toggle("gs-here", node === here)
    const covered =
      node !== here && here && node.classList.contains("gs-slanted") && Math.abs(node.x - here.x) < slant()
    node.classList.toggle("gs-covered", Boolean(covered))
  }
}

// The drawn words as labels for a saved picture.
export function asText(layer, { flat }) {
  return Array.from(layer.children)
    .filter((node) => node.first !== undefined && !node.classList.contains("gs-thinned"))
    .map((node) => ({
      x: parseFloat(node.style.left),
      y: parseFloat(node.style.top) + (flat ? 8 : 0),
      text: node.textContent,
      ...(flat ? { anchor: "center" } : { angle: -40, vertical: "bottom" }),
    }))
}
