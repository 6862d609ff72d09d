// What a saved page would draw of texts: `node live_page.js PAGE TEXTS`, a file and JSON. For tests/test_live.py.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import { content } from "../../dashboard/browser/live/content.js"
import { parse } from "../../dashboard/browser/live/file.js"
import { run, scores, shares } from "../../dashboard/browser/live/run.js"
import { forced, KINDS } from "../../dashboard/browser/live/force.js"
import { contributions } from "../../dashboard/browser/live/memory.js"
import { reader, typed } from "../../dashboard/browser/live/tokenizer.js"
import { expects, walk } from "../../dashboard/browser/live/walk.js"
import { unpack } from "../../dashboard/browser/page/unpack.js"

const page = readFileSync(process.argv[2], "utf-8")
const inflated = (id) => {
  const [, text] = new RegExp(`<script type="text/plain" id="${id}">([^<]*)</script>`).exec(page)
  return new Uint8Array(gunzipSync(Buffer.from(text, "base64")))
}
const { imports } = JSON.parse(/<script type="importmap">(.*?)<\/script>/.exec(page)[1])
const template = unpack(inflated("content"))
const readings = []
for (const [k, known] of template.known.entries()) {
  const model = parse(inflated(known.network))
  const cell = await import(imports[`gatescope/cell/${k}`])
  const read = reader(model.tokenizer)
  readings.push({ ...known, model, cell, read: (text) => read(typed(text, known)), before: null })
}
// By what is forced, at the step before the last: what is expected at the end, and the unit's memory.
const tried = (reading, run, unit, read, { equations }) =>
  Object.fromEntries(
    Object.entries(KINDS).map(([name, forces]) => {
      const listed = forces(reading, run, unit, Math.max(0, run.ids.length - 2), read)
      const after = forced(reading, run, listed, equations)
      const rows = after.signals[reading.memory][reading.layer][reading.direction]
      const memory = rows.map((row) => row[unit])
      return [name, { shares: shares(scores(reading.model, after.read.at(-1))), memory }]
    }),
  )
Object.getPrototypeOf(Float64Array).prototype.toJSON = function () {
  return Array.from(this)
}
const made = JSON.parse(readFileSync(process.argv[3], "utf-8")).map((text) => {
  const sides = readings.map((reading) => {
    const tokens = reading.read(text)
    const ids = tokens.map(({ id }) => id)
    reading.before = run(reading.model, reading.cell, reading.declared, ids, reading.before)
    return { reading, tokens, run: reading.before }
  })
  const chosen = readings.map(() => ({ unit: null, rows: new Set() }))
  const { notices: writing } = content(template, text, sides, chosen, [], true)
  const { figure, sides: shown, units, notices, summed } = content(template, text, sides, chosen, [])
  for (const { next } of shown) next.ids.forEach((_, step) => next.finish?.(step))
  const memory = sides.map(({ reading, run }, k) => contributions(reading, run, units[k], run.ids.length - 1))
  const steps = text ? walk(template.steps, text, sides, units, 0) : null
  steps?.sides.forEach((side, k) => {
    const { reading, run, tokens } = sides[k]
    const all = tokens.map((_, step) => step)
    assert.deepEqual(side.expects(0).scores[0], expects(reading, run, tokens, side.compared, all).scores[0])
    side.values.forEach((_, place) => tokens.forEach((_, step) => side.made(place, step)))
    side.expects = expects(reading, run, tokens, side.compared, all)
  })
  const instead = sides.map(({ reading, run }, k) =>
    text ? tried(reading, run, units[k], shown[k], template.steps.sides[k]) : {},
  )
  return { figure, sides: shown, units, notices, writing, summed, memory, steps, instead }
})
process.stdout.write(JSON.stringify(made))
