// Runs networks in JavaScript and prints how far they are from what Python made of the same ids: `node live.js FILE`,
// a file of lstm_core/drawing/pack.py. For tests/test_javascript.py.
import { readFileSync } from "node:fs"
import { parse } from "../../dashboard/browser/live/file.js"
import { run } from "../../dashboard/browser/live/run.js"
import { unpack } from "../../dashboard/browser/page/unpack.js"

const decode = (text) => Uint8Array.from(Buffer.from(text, "base64"))
// The largest difference, of values above 1 as a share of them; -1 if there are not as many.
const furthest = (one, other) => {
  if (one.length !== other.length) return -1
  return one.reduce((most, value, k) => Math.max(most, Math.abs(value - other[k]) / Math.max(1, Math.abs(other[k]))), 0)
}
const flat = (rows) => {
  const all = rows.flat(Infinity)
  const joined = new Float64Array(all.reduce((sum, row) => sum + row.length, 0))
  all.reduce((at, row) => (joined.set(row, at), at + row.length), 0)
  return joined
}

const found = {}
for (const { file, source, declared, texts } of unpack(new Uint8Array(readFileSync(process.argv[2]))).networks) {
  const network = parse(decode(file))
  const cell = await import(`data:text/javascript;base64,${Buffer.from(source).toString("base64")}`)
  const differences = (found[network.name] = {})
  let before = null
  for (const { ids, expected, likeliest, shares } of texts) {
    const made = (before = run(network, cell, declared, Array.from(ids), before))
    const all = { ...made.signals, ...(made.alpha ? { alpha: made.alpha } : {}) }
    for (const [label, make] of Object.entries(cell.derived)) {
      const layers = Object.values(made.signals)[0]
      const each = layers.map((row, layer) =>
        row.map((steps, direction) =>
          steps.map((_, t) =>
            make(
              Object.fromEntries(Object.entries(made.signals).map(([name, all]) => [name, all[layer][direction][t]])),
            ),
          ),
        ),
      )
      all[label] = each
    }
    all.shares = made.likeliest.map((one) => Float64Array.from(one.shares))
    for (const [name, values] of Object.entries({ ...expected, shares }))
      differences[name] = Math.max(differences[name] ?? 0, furthest(flat(all[name] ?? []), values))
    const same = made.likeliest.every((one, t) => one.ids[0] === likeliest[t] || one.shares[0] - one.shares[1] < 1e-5)
    differences.likeliest = Math.max(differences.likeliest ?? 0, same ? 0 : 1)
  }
}
process.stdout.write(JSON.stringify(found))
