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
  const found = []
  let from = 0
  while (from < letters.length) {
    let to = letters.length
    const spelled = () => (from ? prefix : "") + letters.slice(from, to).join("")
    while (to > from && id(spelled()) === undefined) to--
    if (to === from || letters.length > most) {
      if (id(unknown) === undefined) throw new Error("the vocabulary has no piece for this text")
      return [{ id: id(unknown), piece: unknown, from: 0, to: letters.length }]
    }
    found.push({ id: id(spelled()), piece: spelled(), from, to })
    from = to
  }
  return found
}

const utf8 = new TextEncoder()

/** @type {(letters: string[], id: (piece: string) => any, ranks: Map<string, Map<string, number>>, bytes: boolean) => Piece[]} */
function merged(letters, id, ranks, bytes) {
  /** @type {Piece[]} */
  const found = letters.flatMap((letter, k) => {
    if (id(letter) !== undefined) return [{ id: id(letter), piece: letter, from: k, to: k + 1 }]
    const spelled = Array.from(utf8.encode(letter), (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`)
    if (!bytes || spelled.some((piece) => id(piece) === undefined)) return []
    return spelled.map((piece) => ({ id: id(piece), piece, from: k, to: k + 1 }))
  })
  for (;;) {
    let [best, at] = [Infinity, -1]
    for (let k = 0; k + 1 < found.length; k++) {
      const rank = ranks.get(found[k].piece)?.get(found[k + 1].piece) ?? Infinity
      if (rank < best) [best, at] = [rank, k]
    }
    if (at < 0) return found
    const piece = found[at].piece + found[at + 1].piece
    found.splice(at, 2, { id: id(piece), piece, from: found[at].from, to: found[at + 1].to })
  }
}
