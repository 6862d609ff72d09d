// A vocabulary of whole entries, which visitors bring along: lstm_core/files/vocabulary/words.py and cutting.py again, for
// the letters that most texts are written in. What has others is left to the server.

/** @import { Token } from "./types.d.ts" */
/** @typedef {{ by: "word" | "character", fold: boolean, spaces: string, dropped: string, whole: boolean, lowered: string }} Rule */
/** @typedef {{ entries: Record<string, number>, rows: number, unknown: string | null } & Rule} Entries */
/** @typedef {{ text: string, start: number, end: number, kind: string }} Atom */

const LONGEST = 32
const [SPACE, WORD, SIGN, ALONE] = ["space", "word", "sign", "alone"]
const UNKNOWN = "<unk>"

/** @type {[kind: string, letters: RegExp][]} by the first that fits */
const KINDS = [
  [SPACE, /^[\t-\r\u001c- \u3000]$/],
  [WORD, /^[0-9A-Za-z_\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u012f\u0131-\u024f\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]$/],
  [ALONE, /^[\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u30fc-\u30fe\u3400-\u4dbf\u4e00-\u9fff]$/],
  [SIGN, /^[\0-\u007f\u00ab\u00bb\u00a1\u00bf\u00d7\u00f7–—‘’“”…、。《》「」『』【】\uff01-\uff5e]$/],
]

/** @type {(letter: string) => string | undefined} */
const kindOf = (letter) => KINDS.find(([, letters]) => letters.test(letter))?.[0]

// Full-width letters and curly quotes as those that a keyboard has.
const QUOTES = new Map(Object.entries({ "‘": "'", "’": "'", "“": '"', "”": '"', "\u3000": " " }))
/** @type {(text: string) => string} */
const narrow = (text) =>
  Array.from(text, (letter) => {
    const code = letter.charCodeAt(0)
    return QUOTES.get(letter) ?? (code > 0xff00 && code < 0xff5f ? String.fromCharCode(code - 0xfee0) : letter)
  }).join("")

/** @type {Record<string, (text: string) => string>} */
const LOWERED = {
  all: (text) => text.toLowerCase(),
  ascii: (text) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase()),
}

// A function of a text, as `Words.encode`. It throws an Error for a text with a letter that is not known here.
/** @param {Entries} entries @returns {(text: string) => Token[]} */
export function entriesReader({ entries, rows, unknown, ...rule }) {
  const names = new Map(Object.entries(entries).map(([entry, row]) => [row, entry]))
  const [other, others] = unknown === null ? [UNKNOWN, rows] : [unknown, entries[unknown]]
  /** @type {Map<string, number>} */
  const exact = new Map()
  /** @type {Map<string, number | null>} null where two entries are alike */
  const alike = new Map()
  const begun = new Set()
  const byLetter = rule.by === "character"
  const folded = (/** @type {string} */ text) => (rule.fold ? narrow(text).toLowerCase() : narrow(text))

  for (const [entry, row] of Object.entries(entries)) {
    const text = entry.normalize("NFC")
    if (byLetter) {
      const letters = Array.from(text)
      const ends = [letters[0], letters[letters.length - 1]].some((one) => /[\p{L}\p{N}]/u.test(one))
      if (letters.slice(1).some((one) => !/\p{M}/u.test(one)) && (rule.whole || ends)) continue
      if (!exact.has(entry)) exact.set(entry, row)
    }
    const parts = known(text) ? cut(text, { ...rule, spaces: "", dropped: "" }).map((atom) => atom.text) : [text]
    if (parts.length > LONGEST) continue
    if (!exact.has(text)) exact.set(text, row)
    const each = parts.map(folded)
    const whole = each.join("")
    alike.set(whole, alike.has(whole) ? null : row)
    if (parts.length > 1) each.forEach((_, k) => begun.add(each.slice(0, k + 1).join("")))
  }
  const readsSpaces =
    byLetter && (rule.whole || [...exact.keys()].some((text) => /^[\t-\r\u001c- \u3000]+$/.test(text)))
  const rowOf = (/** @type {string} */ text) => exact.get(text) ?? alike.get(folded(text)) ?? null

  // Where the longest entry at an atom ends, and its row.
  /** @type {(atoms: Atom[], at: number) => [end: number, row: number | null]} */
  function longest(atoms, at) {
    /** @type {[number, number | null]} */
    let found = [at, null]
    let [text, other] = ["", ""]
    for (let place = at; place < Math.min(at + LONGEST, atoms.length); place++) {
      text += atoms[place].text
      other += folded(atoms[place].text)
      const here = exact.get(text) ?? alike.get(other) ?? null
      if (here !== null) found = [place + 1, here]
      if (!begun.has(other)) break
    }
    return found
  }

  // "do" and "n't" in "don't", where those are entries: where each begins and ends, and its row.
  /** @type {(atoms: Atom[]) => [number, number, number][] | null} */
  function negated([word, sign, end]) {
    if (rule.by !== "word" || !end || !/[nN]$/.test(word.text)) return null
    if (end.text.toLowerCase() !== "t" || folded(sign.text) !== "'") return null
    const first = rowOf(word.text.slice(0, -1))
    const second = rowOf(word.text.slice(-1) + sign.text + end.text)
    if (first === null || second === null) return null
    return [
      [word.start, word.end - 1, first],
      [word.end - 1, end.end, second],
    ]
  }

  // Where the word or the run of signs ends that has no entry.
  /** @type {(atoms: Atom[], at: number) => number} */
  function without(atoms, at) {
    const bare = (/** @type {number} */ place, /** @type {string} */ kind) =>
      atoms[place]?.kind === kind && longest(atoms, place)[1] === null
    const { kind } = atoms[at]
    let end = at + 1
    if (byLetter || kind === ALONE) return end
    while (kind === SIGN && bare(end, SIGN)) end++
    while (kind === WORD && bare(end, SIGN) && bare(end + 1, WORD) && joins(atoms[end - 1], atoms[end], atoms[end + 1]))
      end += 2
    return end
  }

  return (text) => {
    const letters = Array.from(text)
    const atoms = cut(text, rule)
    if (byLetter && /[^\0-\u007f]/.test(text)) spelled(letters, exact)
    /** @type {Token[]} */
    const tokens = []
    const add = (/** @type {number} */ start, /** @type {number} */ end, /** @type {number} */ id) =>
      tokens.push({
        ...{ text: letters.slice(start, end).join(""), start, end, id, word: tokens.length, known: id !== others },
        piece: id === others ? other : (names.get(id) ?? `#${id}`),
      })
    for (let at = 0; at < atoms.length;) {
      const [end, row] = longest(atoms, at)
      if (row !== null) {
        add(atoms[at].start, atoms[end - 1].end, row)
        at = end
        continue
      }
      const parts = atoms[at].kind === SPACE && !readsSpaces ? [] : negated(atoms.slice(at, at + 3))
      parts?.forEach((part) => add(...part))
      const next = parts ? at + (parts.length ? 3 : 1) : without(atoms, at)
      if (!parts) add(atoms[at].start, atoms[next - 1].end, others)
      at = next
    }
    return tokens
  }
}

/** @type {(text: string) => boolean} */
const known = (text) => Array.from(text).every(kindOf)

// In a vocabulary of characters a letter with its accent may be two of them.
/** @type {(letters: string[], exact: Map<string, number>) => void} */
function spelled(letters, exact) {
  const apart = (/** @type {string} */ letter) => Array.from(letter.normalize("NFD"))
  const two = letters.some(
    (one) => !exact.has(one) && apart(one).length > 1 && apart(one).every((part) => exact.has(part)),
  )
  if (two) throw new Error("letters and accents apart are not read here")
}

/** @type {(text: string, rule: Rule) => Atom[]} */
function cut(text, rule) {
  /** @type {Atom[]} */
  const atoms = []
  Array.from(text).forEach((letter, place) => {
    let kind = kindOf(letter)
    if (!kind) throw new Error(`the letter ${letter} is not read here`)
    if (rule.dropped.includes(letter)) return
    if (rule.whole) kind = (rule.spaces ? rule.spaces.includes(letter) : kind === SPACE) ? SPACE : WORD
    const before = atoms.at(-1)
    if (before?.kind === WORD && kind === WORD && rule.by !== "character") {
      before.text += letter
      before.end = place + 1
    } else atoms.push({ text: letter, start: place, end: place + 1, kind })
  })
  const small = LOWERED[rule.lowered]
  return small ? atoms.map((atom) => ({ ...atom, text: small(atom.text) })) : atoms
}

// Whether a sign between two words is within one, as an apostrophe is.
/** @type {(before: Atom, sign: Atom, after: Atom) => boolean} */
const joins = (before, sign, after) =>
  "'’.".includes(sign.text) || (sign.text === "," && /[0-9０-９]$/.test(before.text) && /^[0-9０-９]/.test(after.text))
