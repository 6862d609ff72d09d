// The pieces of a word, by a tokenizer's model: whole words, the longest pieces first, or pairs joined by their rank.

/** @typedef {{ id: number, piece: string, from: number, to: number }} Piece over the letters ``from`` up to ``to`` */

/** @param {any} model @returns {{ id: (piece: string) => number | undefined, of: (letters: string[]) => Piece[] }} */
export function pieces(model) {
  const ids = new Map(Object.entries(model.vocab))
  const id = (/** @type {string} */ piece) => ids.get(piece)
  if (model.type === "WordLevel") return { id, of: (letters) => word(letters, id, model.unk_token) }
  if (model.type === "WordPiece") return { id, of: (letters) => longest(letters, id, model) }
  if (model.type === "BPE" && !model.dropout && !model.ignore_merges) {
    if (model.continuing_subword_prefix || model.end_of_word_suffix || model.unk_token)
      throw new Error("such pieces are not read here")
    /** @type {Map<string, Map<string, number>>} */
    const ranks = new Map()
    model.merges.forEach((/** @type {string | [string, string]} */ merge, /** @type {number} */ rank) => {
      const [left, right] = Array.isArray(merge) ? merge : merge.split(" ")
      const after = ranks.get(left) ?? new Map()
      ranks.set(left, after.set(right, rank))
    })
    /** @type {Map<string, Piece[]>} */
    const known = new Map()
    return {
      id,
      of(letters) {
        const text = letters.join("")
        const found = known.get(text) ?? merged(letters, id, ranks, model.byte_fallback)
        if (known.size < 10_000) known.set(text, found)
        return found
      },
    }
  }
  throw new Error(`the pieces of a ${model.type} are not read here`)
}

/** @type {(letters: string[], id: (piece: string) => any, unknown: string) => Piece[]} */
function word(letters, id, unknown) {
  const text = letters.join("")
  const piece = id(text) === undefined ? unknown : text
  return [{ id: id(piece), piece, from: 0, to: letters.length }]
}

/** @type {(letters: string[], id: (piece: string) => any, model: any) => Piece[]} */
function longest(
  letters,
  id,
  { continuing_subword_prefix: prefix, max_input_chars_per_word: most, unk_token: unknown },
) {
  const none = () => {
    if (id(unknown) === undefined) throw new Error("the vocabulary has no piece for this text")
    return [{ id: id(unknown), piece: unknown, from: 0, to: letters.length }]
  }
  if (letters.length > most) return none()
  const found = []
  let from = 0
  while (from < letters.length) {
    let to = letters.length
    const spelled = () => (from ? prefix : "") + letters.slice(from, to).join("")
    while (to > from && id(spelled()) === undefined) to--
    if (to === from) return none()
    found.push({ id: id(spelled()), piece: spelled(), from, to })
    from = to
  }
  return found
}

const utf8 = new TextEncoder()

/** @type {(letters: string[], id: (piece: string) => any, ranks: Map<string, Map<string, number>>, bytes: boolean) => Piece[]} */
function merged(letters, id, ranks, bytes) {
  /** @type {(Piece | undefined)[]} */
  const found = letters.flatMap((letter, k) => {
    if (id(letter) !== undefined) return [{ id: id(letter), piece: letter, from: k, to: k + 1 }]
    const spelled = Array.from(utf8.encode(letter), (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`)
    if (!bytes || spelled.some((piece) => id(piece) === undefined)) return []
    return spelled.map((piece) => ({ id: id(piece), piece, from: k, to: k + 1 }))
  })
  const before = found.map((_, k) => k - 1)
  const after = found.map((_, k) => k + 1)
  /** @type {Map<number, number[]>} by rank, where pairs of it begin */
  const waiting = new Map()
  const rank = (/** @type {number} */ k) =>
    ranks.get(found[k]?.piece ?? "")?.get(found[after[k]]?.piece ?? "") ?? Infinity
  const wait = (/** @type {number} */ k) => {
    const of = rank(k)
    if (of === Infinity) return of
    const places = waiting.get(of)
    if (places) places.push(k)
    else waiting.set(of, [k])
    return of
  }
  for (let k = 0; k < found.length; k++) wait(k)
  while (waiting.size) {
    const lowest = Math.min(...waiting.keys())
    const places = /** @type {number[]} */ (waiting.get(lowest)).sort((one, other) => one - other)
    waiting.delete(lowest)
    for (let n = 0; n < places.length; n++) {
      const at = places[n]
      const [left, right] = [found[at], found[after[at]]]
      if (!left || !right || rank(at) !== lowest) continue // one of them was joined with another
      const piece = left.piece + right.piece
      found[at] = { id: id(piece), piece, from: left.from, to: right.to }
      found[after[at]] = undefined
      after[at] = after[after[at]]
      before[after[at]] = at
      if (Math.min(wait(before[at]), wait(at)) > lowest) continue
      waiting.set(lowest, places.slice(n + 1)) // what is now the lowest goes first
      break
    }
  }
  return found.filter((one) => one !== undefined)
}
