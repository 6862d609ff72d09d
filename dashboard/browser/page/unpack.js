// The reverse of lstm_core/drawing/pack.py: a tree in which arrays are views on one buffer; a matrix is an array of its rows.

/** @typedef {["f4" | "f2" | "i4", number, number[]]} Place */

const TYPES = { f4: Float32Array, f2: Uint16Array, i4: Int32Array }

// A number of half precision, by its bits: few browsers read one by themselves.
/** @type {(bits: number) => number} */
function half(bits) {
  const [sign, power, part] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, (bits & 1023) / 1024]
  if (power === 31) return part ? NaN : sign * Infinity
  return sign * (power ? (1 + part) * 2 ** (power - 15) : part * 2 ** -14)
}

/** @type {(bytes: Uint8Array) => any} */
export function unpack(bytes) {
  const own = bytes.slice() // at offset 0, so that views are aligned
  const length = new DataView(own.buffer).getUint32(0, true)
  const start = 4 + length
  /** @param {Place} place */
  const view = ([type, offset, shape]) => {
    const rows = shape.length > 1 ? shape[0] : 1
    const width = shape[shape.length - 1]
    const bits = new TYPES[type](own.buffer, start + offset, rows * width)
    const all = type === "f2" ? Float32Array.from(bits, half) : bits
    if (shape.length === 1) return all
    return Array.from({ length: rows }, (_, row) => all.subarray(row * width, (row + 1) * width))
  }
  return JSON.parse(new TextDecoder().decode(own.subarray(4, start)), (_, value) =>
    value && typeof value === "object" && "$" in value ? view(value.$) : value,
  )
}
