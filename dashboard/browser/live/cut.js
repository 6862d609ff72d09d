// A text normalised and cut into words, by a tokenizer's rules; every letter knows what of the text it stands for.
import { regex } from "./regex.js"
import { SMALL } from "./unicode.js"

/** @typedef {{ letter: string, start: number, end: number }} Letter */
/** @typedef {(letters: Letter[]) => Letter[]} Normalizer */
/** @typedef {(words: Letter[][]) => Letter[][]} Splitter */

/** @type {(letters: Letter[]) => string} */
const joined = (letters) => letters.map(({ letter }) => letter).join("")

// From a tokenizer's JSON a function of the letters of a text. Throws an Error for a rule that is not known.
/** @param {any} json @returns {(letters: string[]) => Letter[][]} */
export function rules({ normalizer, pre_tokenizer: splitter }) {
  const normalize = normalizer ? normalizers(normalizer) : (/** @type {Letter[]} */ letters) => letters
  const split = splitter ? splitters(splitter) : (/** @type {Letter[][]} */ words) => words
  return (letters) => {
    const whole = normalize(letters.map((letter, k) => ({ letter, start: k, end: k + 1 })))
    return split([whole]).filter((word) => word.length)
  }
}

/** @type {(kind: any) => Normalizer} */
function normalizers(kind) {
  if (kind.type === "Sequence") {
    const each = kind.normalizers.map(normalizers)
    return (letters) => each.reduce((/** @type {Letter[]} */ read, /** @type {Normalizer} */ one) => one(read), letters)
  }
  if (kind.type === "Lowercase") return lower
  if (kind.type === "NFC") return composed
  if (kind.type === "Begins") return (letters) => letters // what is read before a text is none of its letters
  if (kind.type === "Characters") {
    const to = Array.from(kind.to)
    const as = new Map(Array.from(kind.from, (/** @type {string} */ letter, k) => [letter, to[k]]))
    return (letters) => letters.map((one) => ({ ...one, letter: as.get(one.letter) ?? one.letter }))
  }
  if (kind.type === "Replace") {
    const find = pattern(kind.pattern)
    return (letters) => replaced(letters, find, Array.from(kind.content))
  }
  throw new Error(`the normalizer ${kind.type} is not read here`)
}

/** @type {(kind: any) => RegExp} */
const pattern = ({ Regex, String: plain }) =>
  Regex === undefined ? new RegExp(plain.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&"), "gu") : regex(Regex)

/** @type {Map<number, number>} */
const small = new Map()
for (const row of SMALL.split(",")) {
  const [first, count, apart, further] = row.split(" ").map(Number)
  for (let k = 0; k < count; k++) small.set(first + k * apart, first + k * apart + further)
}

/** @type {Normalizer} */
function lower(letters) {
  return letters.flatMap((one) => {
    if (one.letter === "İ")
      return [
        { ...one, letter: "i" },
        { ...one, letter: "\u0307" },
      ]
    const code = small.get(/** @type {number} */ (one.letter.codePointAt(0)))
    return code === undefined ? one : { ...one, letter: String.fromCodePoint(code) }
  })
}

// Letters that compose or change places only with those between them and the next boundary are composed together.
/** @type {Normalizer} */
function composed(letters) {
  const text = joined(letters)
  if (text.normalize("NFC") === text) return letters
  /** @type {Letter[][]} */
  const groups = []
  for (const one of letters) {
    const group = groups.at(-1)
    if (group && (/^\p{M}/u.test(one.letter) || !apart(joined(group), one.letter))) group.push(one)
    else groups.push([one])
  }
  return groups.flatMap((group) => {
    const found = Array.from(joined(group).normalize("NFC"))
    const place = (/** @type {number} */ k) => (k ? k + Math.max(0, group.length - found.length) : 0)
    return found.map((letter, k) => ({ ...group[Math.min(place(k), group.length - 1)], letter }))
  })
}

/** @type {(before: string, letter: string) => boolean} */
const apart = (before, letter) =>
  (before + letter).normalize("NFC") === before.normalize("NFC") + letter.normalize("NFC")

// What is put in stands for the last letter that it takes the place of, or for the one before.
/** @type {(letters: Letter[], find: RegExp, content: string[]) => Letter[]} */
function replaced(letters, find, content) {
  /** @type {Letter[]} */
  const result = []
  let done = 0
  for (const { start, end } of matches(letters, find)) {
    result.push(...letters.slice(done, start))
    const over = end > 0 ? letters[end - 1] : { start: 0, end: 0 }
    result.push(...content.map((letter) => ({ ...over, letter })))
    done = end
  }
  return done ? [...result, ...letters.slice(done)] : result.length ? [...result, ...letters] : letters
}

// Where a pattern is found, counted in letters.
/** @type {(letters: Letter[], find: RegExp) => { start: number, end: number }[]} */
function matches(letters, find) {
  const text = joined(letters)
  const found = []
  let [unit, at] = [0, 0]
  /** @type {(until: number) => number} */
  const reach = (until) => {
    while (unit < until) unit += letters[at++].letter.length
    return at
  }
  for (const match of text.matchAll(find)) {
    found.push({ start: reach(match.index), end: reach(match.index + match[0].length) })
  }
  return found
}

// What the library's splitter Whitespace takes for words it reads with other classes than all else: joiners are letters,
// raised figures and fractions are none.
const [JOINERS, FIGURES] = ["\\u200C\\u200D", "\\u00B2\\u00B3\\u00B9\\u00BC-\\u00BE"]
const WORDS = `[[\\w${JOINERS}]&&[^${FIGURES}]]+|[[^\\s\\w${JOINERS}]${FIGURES}]+`

/** @type {(kind: any) => Splitter} */
function splitters(kind) {
  const written = { Whitespace: WORDS, WhitespaceSplit: "\\S+" }[/** @type {string} */ (kind.type)]
  if (written) return (words) => words.flatMap((word) => split(word, regex(written), true))
  if (kind.type === "Sequence") {
    const each = kind.pretokenizers.map(splitters)
    return (words) => each.reduce((/** @type {Letter[][]} */ cut, /** @type {Splitter} */ one) => one(cut), words)
  }
  if (kind.type === "ByteLevel" && !kind.use_regex && !kind.add_prefix_space) return (words) => words.map(inBytes)
  const removed = kind.behavior === "Removed" && kind.invert
  if (kind.type !== "Split" || (!removed && kind.behavior !== "Isolated"))
    throw new Error(`the splitter ${kind.type} is not read here`)
  const find = pattern(kind.pattern)
  return (words) => words.flatMap((word) => split(word, find, removed))
}

// The matches, and what lies between them unless that is ``removed``.
/** @type {(word: Letter[], find: RegExp, removed: boolean) => Letter[][]} */
function split(word, find, removed) {
  const parts = []
  let done = 0
  for (const { start, end } of matches(word, find)) {
    if (!removed) parts.push(word.slice(done, start))
    parts.push(word.slice(start, end))
    done = end
  }
  if (!removed) parts.push(word.slice(done))
  return parts.filter((part) => part.length)
}

const PRINTED = [...span(0x21, 0x7f), ...span(0xa1, 0xad), ...span(0xae, 0x100)]
const OTHERS = span(0, 0x100).filter((byte) => !PRINTED.includes(byte))
const BYTES = new Map(
  [...PRINTED.map((byte) => [byte, byte]), ...OTHERS.map((byte, k) => [byte, 0x100 + k])].map(([byte, code]) => [
    byte,
    String.fromCodePoint(code),
  ]),
)

/** @type {(first: number, end: number) => number[]} */
function span(first, end) {
  return Array.from({ length: end - first }, (_, k) => first + k)
}

const utf8 = new TextEncoder()

// The letter that stands for each byte in byte-level vocabularies.
/** @type {Normalizer} */
const inBytes = (letters) =>
  letters.flatMap((one) => Array.from(utf8.encode(one.letter), (byte) => ({ ...one, letter: BYTES.get(byte) ?? "" })))
