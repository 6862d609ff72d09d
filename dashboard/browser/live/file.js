// A network's safetensors file, as `lstm_core.Network.save` writes it, with its weights as they are in it: an
// int8 matrix has one scale a row.

/** @import { Matrix, Network, Parameters } from "./types.d.ts" */

/** @type {(half: number) => number} */
function fromHalf(half) {
  const [sign, exponent, fraction] = [half >> 15 ? -1 : 1, (half >> 10) & 31, half & 1023]
  if (exponent === 31) return fraction ? NaN : sign * Infinity
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : (2 ** -14 * fraction) / 1024)
}

/** @type {Float32Array | undefined} of all that there are: a table is ten times as fast as counting */
let halves

/** @type {Record<string, (bytes: ArrayBuffer) => Float32Array>} */
const KINDS = {
  F32: (bytes) => new Float32Array(bytes),
  F16(bytes) {
    const table = (halves ??= Float32Array.from({ length: 1 << 16 }, (_, half) => fromHalf(half)))
    const codes = new Uint16Array(bytes)
    const values = new Float32Array(codes.length)
    for (let place = 0; place < codes.length; place++) values[place] = table[codes[place]]
    return values
  },
  BF16: (bytes) => new Float32Array(Uint32Array.from(new Uint16Array(bytes), (one) => one * 65536).buffer),
  F64: (bytes) => Float32Array.from(new Float64Array(bytes)),
  I8: (bytes) => new Float32Array(new Int8Array(bytes)),
}

// Vectors are arrays, matrices have rows. Throws an Error for what is not such a file.
/** @param {Uint8Array} bytes @returns {Network} */
export function parse(bytes) {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
  const { __metadata__: said, ...places } = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))
  /** @type {Record<string, any>} */
  const tensors = {}
  for (const [name, { dtype, shape, data_offsets: place }] of Object.entries(places)) {
    const [from, to] = place.map((/** @type {number} */ offset) => 8 + length + offset)
    if (!(dtype in KINDS) || to > bytes.length) throw new Error(`${name} is not there as a whole`)
    const values = KINDS[dtype](bytes.slice(from, to).buffer)
    tensors[name] = shape.length === 2 ? { rows: shape[0], columns: shape[1], values } : values
  }
  for (const [name, scales] of Object.entries(tensors)) {
    const matrix = tensors[name.replace(/\.scale$/, "")]
    if (matrix === scales || !name.endsWith(".scale")) continue
    if (scales.length !== matrix?.rows) throw new Error(`${name} does not fit`)
    for (let row = 0, place = 0; row < matrix.rows; row++)
      for (const end = place + matrix.columns; place < end; place++) matrix.values[place] *= scales[row]
    delete tensors[name]
  }
  const { name, tied, ...header } = JSON.parse(said.gatescope)
  /** @type {Parameters[][]} */
  const layers = []
  /** @type {Parameters} */
  const attention = {}
  for (const [key, value] of Object.entries(tensors)) {
    const [kind, ...rest] = key.split(".")
    if (kind === "attention") attention[rest[0]] = value
    if (kind !== "layers") continue
    const [layer, direction, parameter] = rest
    const row = (layers[Number(layer)] ??= [])
    ;(row[Number(direction)] ??= {})[parameter] = value
  }
  const [weight, bias] = [tensors["readout.weight"], tensors["readout.bias"]]
  return {
    name,
    header,
    tokenizer: JSON.parse(said.tokenizer),
    embedding: tensors["embedding.weight"],
    layers,
    readout: { weight, bias, tied, attention: Object.keys(attention).length ? attention : null },
  }
}
