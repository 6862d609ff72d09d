// The words over a column: flat if they fit or are single characters, which a slant does not make narrower, else slanted,
// the steeper the closer they stand. Characters that do not fit beside each other stand on two lines in turn. Thinned when
// there are many; the word at the cursor always shown.
import { make } from "../page/dom.js"
import { wordTitle } from "../page/naming.js"
import { besideBar, wall } from "../page/screen.js"

/** @import { Word } from "../types.d.ts" */
/** @import { Label, Speaks, Top } from "./types.d.ts" */

/** How the words of all columns are drawn. ``fits``: none is left out; ``apart``: pixels between the middles of two that
 * are both shown; ``lines``: on how many they stand in turn; ``angle``: the slant, in degrees; ``tall``: pixels of a line.
 * @typedef {{ flat: boolean, fits: boolean, height: number, apart: number, lines: number, angle: number, tall: number }}
 * Plan */
/** @typedef {HTMLElement & { first: number, last: number, x: number, apart: number }} WordLabel */

const pen = document.createElement("canvas").getContext("2d")
const LONGEST = 14 // characters
const LONG = 8.3 // of a word's size: how long the longest of them is taken to be
const ON_THE_WALL = 15 // pixels of a word, which a talk's screen enlarges: 24 of 1080 lines
const SMALL = 12
const SMALLEST = 9 // of single characters, each of which is to be seen at 1024 pixels, too
let size = SMALL
let family = ""
const line = () => size + 5
const SLANTS = [40, 55, 70] // degrees: the steeper, the closer words may stand
const CLOSE = 0.86 // of a word's size, from one slanted line to the next
/** @param {number} angle */
const sine = (angle) => Math.sin((angle * Math.PI) / 180)

/** @param {Element} node */
export function fontOf(node) {
  family = getComputedStyle(node).fontFamily
  write(wall() ? Math.ceil(besideBar(ON_THE_WALL)) : SMALL)
}

/** @param {number} pixels */
function write(pixels) {
  size = pixels
  if (pen) pen.font = `${size}px ${family}`
}

/** @param {string} text */
function short(text) {
  const chars = Array.from(text)
  return chars.length > LONGEST ? `${chars.slice(0, LONGEST - 1).join("")}…` : text
}

// How the words of all columns are drawn, given each column's pixels a step. Words that stand flat only
// when they are small, as Chinese ones may, are small on the wall, too: none of them is to be left out. Others rather stand
// steeper than that they are smaller.
/** @param {Speaks[]} sides @param {number[]} pitch @returns {Plan} */
export function plan(sides, pitch) {
  const usual = size
  const found = planned(sides, pitch)
  const least = found.flat ? SMALLEST : SMALL
  const sizes = Array.from({ length: usual - least + 1 }, (_, k) => usual - k)
  /** @type {[pixels: number, lines: number, angle: number][]} */
  const others = found.flat
    ? [1, 2].flatMap((lines) => sizes.map((one) => [one, lines, SLANTS[0]]))
    : sizes.flatMap((one) => SLANTS.map((angle) => [one, 1, angle]))
  for (const [pixels, lines, angle] of found.fits ? [] : others) {
    write(pixels)
    const other = planned(sides, pitch, lines, angle)
    if (other.fits && other.flat === found.flat) return other
  }
  write(usual)
  return found
}

/** @param {Speaks[]} sides @param {number[]} pitch @param {number} [lines] @param {number} [angle] @returns {Plan} */
function planned(sides, pitch, lines = 1, angle = SLANTS[0]) {
  let fits = true
  let single = true
  let longest = 0
  let closest = Infinity
  sides.forEach((side, k) => {
    let before = -Infinity
    for (const [text, first, last] of side.words) {
      const x = ((first + last + 1) / 2) * pitch[k]
      closest = Math.min(closest, x - before)
      before = x
      const width = pen?.measureText(short(text)).width ?? 0
      longest = Math.max(longest, width)
      const gap = text.length > 1 ? 4 : 0 // single characters stand as close as they do in a line of Chinese
      if (width > lines * (last - first + 1) * pitch[k] - gap) fits = false
      if (Array.from(text).length > 1) single = false
    }
  })
  const flat = fits || single
  if (flat) {
    return { flat, fits, height: lines * line() + 1, apart: fits ? 0 : longest + 1, lines, angle, tall: line() }
  }
  const apart = (CLOSE * size) / sine(angle)
  fits = closest >= apart
  const tall = Math.min(line(), Math.max(CLOSE * size, closest * sine(angle))) // what is behind a word hides no other
  const height = Math.ceil(Math.min(LONG * size, longest) * sine(angle) + tall * sine(90 - angle) + 1)
  return { flat, fits, height, apart: fits ? 0 : apart, lines, angle, tall }
}

// The words of a column, without the lines under those of several steps.
/** @param {HTMLElement} layer @returns {WordLabel[]} */
export function words(layer) {
  return /** @type {WordLabel[]} */ (Array.from(layer.children)).filter((node) => node.first !== undefined)
}

// A word over several steps gets a line under it: these are its pieces.
/** @param {HTMLElement} layer @param {Word[]} shown @param {Plan} plan @param {Top} top @param {number} pitch
 * @param {(step: number) => void} onPick */
export function draw(layer, shown, { flat, height, apart, lines, angle, tall }, top, pitch, onPick) {
  /** @type {HTMLElement[]} */
  const nodes = []
  let free = -Infinity
  for (const [k, [text, first, last, known]] of shown.entries()) {
    const x = ((first + last + 1) / 2) * pitch
    const thin = x - free < apart
    if (!thin) free = x
    const node = make("span", {
      class: `gs-word${flat ? "" : " gs-slanted"}${known ? "" : " gs-unknown"}${thin ? " gs-thinned" : ""}`,
      text: short(text),
      dir: "auto",
      title: wordTitle(text, known),
      style: {
        fontSize: `${size}px`,
        lineHeight: `${tall}px`,
        left: `${top.left + x}px`,
        top: `${top.words + height - (flat ? tall * (lines - (k % lines)) : 4)}px`,
        ...(flat ? {} : { transform: `translate(${0.5 * tall * sine(angle) - 8}px, -100%) rotate(${-angle}deg)` }),
      },
      onpointerdown: (/** @type {Event} */ event) => {
        event.stopPropagation()
        event.preventDefault()
        onPick(first)
      },
    })
    nodes.push(Object.assign(node, { first, last, x, apart }))
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

// Show which word the cursor is on, and those that a tour speaks of; neighbours that they would cover give way.
/** @param {HTMLElement} layer @param {number} step @param {string[]} [spoken] */
export function mark(layer, step, spoken = []) {
  const nodes = words(layer)
  const here = nodes.find((node) => node.first <= step && step <= node.last)
  const shown = nodes.filter((node) => node === here || spoken.includes(node.textContent))
  for (const node of nodes) {
    const stays = shown.includes(node)
    node.classList.toggle("gs-here", node === here)
    node.classList.toggle("gs-spoken", stays)
    node.classList.toggle("gs-covered", !stays && shown.some(({ x }) => Math.abs(node.x - x) < node.apart))
  }
}

// The drawn words as labels for a saved picture: as they are at the cursor, tints included, or at none.
/** @param {HTMLElement} layer @param {Plan} plan @param {boolean} here @returns {Label[]} */
export function asText(layer, { flat, angle, tall }, here) {
  const has = (/** @type {HTMLElement} */ node, /** @type {string} */ name) => node.classList.contains(`gs-${name}`)
  const left = (/** @type {HTMLElement} */ node) =>
    here ? !has(node, "spoken") && (has(node, "thinned") || has(node, "covered")) : has(node, "thinned")
  return words(layer)
    .filter((node) => !left(node))
    .map((node) => ({
      x: parseFloat(node.style.left),
      y: parseFloat(node.style.top) + (flat ? tall / 2 : 0),
      text: node.textContent,
      size: parseFloat(node.style.fontSize),
      ...(flat ? { anchor: "center" } : { angle: -angle, vertical: "bottom" }),
      ...(here && node.style.background ? { background: node.style.background } : {}),
    }))
}
