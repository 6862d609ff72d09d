// A regular expression of the tokenizers library (Oniguruma's) as one of JavaScript, with the library's own classes.
import { CLASSES } from "./unicode.js"

/** @type {Map<string, string>} */
const ranges = new Map()

/** @type {(name: string) => string} what stands between the brackets of a class */
function members(name) {
  const known = ranges.get(name)
  if (known !== undefined) return known
  if (!(name in CLASSES)) throw new Error(`the class ${name} is not known`)
  const code = (/** @type {string} */ hex) => `\\u{${hex}}`
  const found = CLASSES[name].split(",").map((range) => range.split("-").map(code).join("-"))
  ranges.set(name, found.join(""))
  return found.join("")
}

const DIGITS = "[0-9]"
const NAMED = /^\\(?:p\{\^?(\w+)\}|P\{(\w+)\}|([sSwWdD]))/
const NUMBERED = /^\\(?:x\{([0-9A-Fa-f]+)\}|u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2}))/
const CONTROL = "tnrfv"

/** @type {(text: string, inside: boolean) => [length: number, written: string]} an escape at the beginning of ``text`` */
function escaped(text, inside) {
  const named = NAMED.exec(text)
  if (named) {
    const [all, property, without, letter] = named
    const not = all.startsWith("\\p{^") || without !== undefined || /[SWD]/.test(letter ?? "")
    const name = letter ? `\\${letter.toLowerCase()}` : `\\p{${property ?? without}}`
    const set = name === "\\d" ? DIGITS.slice(1, -1) : members(name)
    return [all.length, `[${not ? "^" : ""}${set}]`]
  }
  const numbered = NUMBERED.exec(text)
  if (numbered) return [numbered[0].length, `\\u{${numbered[1] ?? numbered[2] ?? numbered[3]}}`]
  const word = `[${members("\\w")}]`
  if (text[1] === "b" && !inside) return [2, `(?:(?<=${word})(?!${word})|(?<!${word})(?=${word}))`]
  if (CONTROL.includes(text[1])) return [2, text.slice(0, 2)]
  if (/[a-zA-Z0-9]/.test(text[1] ?? "")) throw new Error(`\\${text[1]} is not known`)
  const [letter] = text.slice(1)
  return [1 + letter.length, literal(letter)]
}

/** @type {(letter: string) => string} */
const literal = (letter) => `\\u{${/** @type {number} */ (letter.codePointAt(0)).toString(16)}}`

/** @type {(pattern: string, start: number) => [end: number, written: string]} a class, from its bracket on */
function set(pattern, start) {
  let at = start + 1
  const not = pattern[at] === "^"
  if (not) at++
  let part = ""
  const parts = []
  while (at < pattern.length && pattern[at] !== "]") {
    if (pattern.startsWith("&&", at)) {
      parts.push(part)
      part = ""
      at += 2
    } else if (pattern[at] === "[") {
      const [end, inner] = set(pattern, at)
      part += inner
      at = end
    } else if (pattern[at] === "\\") {
      const [length, written] = escaped(pattern.slice(at), true)
      part += written
      at += length
    } else {
      const letter = /** @type {string} */ (Array.from(pattern.slice(at, at + 2))[0])
      const dash = letter === "-" && part !== "" && pattern[at + 1] !== "]"
      part += dash ? "-" : literal(letter)
      at += letter.length
    }
  }
  if (at >= pattern.length) throw new Error("a class has no end")
  parts.push(part)
  const written = parts.length > 1 ? parts.map((one) => `[${one}]`).join("&&") : part
  return [at + 1, `[${not ? "^" : ""}${written}]`]
}

/** @type {Map<string, RegExp>} */
const known = new Map()

// Throws an Error for what has no counterpart.
/** @param {string} pattern @returns {RegExp} */
export function regex(pattern) {
  const found = known.get(pattern) ?? written(pattern)
  known.set(pattern, found)
  return found
}

/** @param {string} pattern @returns {RegExp} */
function written(pattern) {
  let result = ""
  let at = 0
  while (at < pattern.length) {
    if (pattern[at] === "[") {
      const [end, inner] = set(pattern, at)
      result += inner
      at = end
    } else if (pattern[at] === "\\") {
      const [length, inner] = escaped(pattern.slice(at), false)
      result += inner
      at += length
    } else {
      const letter = /** @type {string} */ (Array.from(pattern.slice(at, at + 2))[0])
      if (letter === "^")
        result += "(?<![^\\n])" // in Oniguruma the beginning of every line
      else if (letter === "$") result += "(?![^\\n])"
      else if (letter === ".") result += "[^\\n]"
      else result += /[(){}|?*+:=!<,0-9-]/.test(letter) ? letter : literal(letter)
      at += letter.length
    }
  }
  return new RegExp(result, "gv")
}

/** @type {(name: string) => Set<number>} */
export function membersOf(name) {
  const found = new Set()
  for (const range of CLASSES[name].split(",")) {
    const [first, last = first] = range.split("-").map((hex) => parseInt(hex, 16))
    for (let code = first; code <= last; code++) found.add(code)
  }
  return found
}
