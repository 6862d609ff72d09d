// A figure in a notebook: what it shares with its kernel, its colours, and numbers of half precision.
import assert from "node:assert/strict"
import { test } from "node:test"
import { follow } from "../../dashboard/browser/notebook/follow.js"
import loader from "../../dashboard/browser/notebook/loader.js"
import { colours, read } from "../../dashboard/browser/notebook/look.js"
import { unpack } from "../../dashboard/browser/page/unpack.js"

function model(values) {
  const heard = {}
  return {
    saved: 0,
    get: (name) => values[name],
    set(name, value) {
      values[name] = value
      heard[`change:${name}`]?.forEach((hear) => hear())
    },
    save_changes() {
      this.saved += 1
    },
    on: (event, hear) => (heard[event] = [...(heard[event] ?? []), hear]),
    off: (event, hear) => (heard[event] = heard[event].filter((one) => one !== hear)),
  }
}

class Figure {
  root = new EventTarget()
  at = 4
  units = [0]
  says = () => this.root.dispatchEvent(new Event("gs:cursor"))
  has = (_, unit) => unit < 10
  moveTo(step) {
    if (step === this.at) return
    this.at = step
    this.says()
  }
  pickUnit(side, unit) {
    this.units[side] = unit
    this.says()
  }
}

test("a figure's cursor and its kernel's follow each other, and do not go round", () => {
  const [figure, kernel] = [new Figure(), model({ step: 4, unit: 0, unit2: 0 })]
  const ends = follow(figure, kernel)
  figure.moveTo(1)
  assert.deepEqual([kernel.get("step"), kernel.saved], [1, 1])
  kernel.set("step", 3)
  assert.deepEqual([figure.at, kernel.saved], [3, 1])
  kernel.set("unit", 7)
  assert.deepEqual([figure.units, kernel.saved], [[7], 1])
  kernel.set("unit", 12) // without a row: the kernel sends another figure
  assert.deepEqual(figure.units, [7])
  ends()
  kernel.set("step", 0)
  assert.equal(figure.at, 3)
})

test("what the kernel set while a figure was drawn is shown", () => {
  const [figure, kernel] = [new Figure(), model({ step: 1, unit: 7, unit2: 0 })]
  follow(figure, kernel)
  assert.deepEqual([figure.at, figure.units, kernel.saved], [1, [7], 0])
})

test("the colours go by the ground", () => {
  assert.deepEqual(read("rgb(17, 17, 17)"), [17, 17, 17])
  assert.equal(read("rgba(0, 0, 0, 0)"), undefined)
  assert.equal(colours([17, 17, 17])["--st-background-color"], "#111111")
  assert.notEqual(colours([17, 17, 17])["--st-text-color"], colours([255, 255, 255])["--st-text-color"])
})

test("numbers of half precision", () => {
  const text = new TextEncoder().encode('{"a":{"$":["f2",0,[2,4]]}}'.padEnd(28))
  const bytes = new Uint8Array(4 + text.length + 16)
  new DataView(bytes.buffer).setUint32(0, text.length, true)
  bytes.set(text, 4)
  const bits = [0x3c00, 0xc000, 0x3555, 0x0001, 0x7e00, 0x7c00, 0xfc00, 0x0000]
  bits.forEach((one, k) => new DataView(bytes.buffer).setUint16(4 + text.length + 2 * k, one, true))
  const [first, second] = unpack(bytes).a.map((row) => Array.from(row))
  assert.deepEqual(first, [1, -2, Math.fround(0.333251953125), 2 ** -24])
  assert.deepEqual(second, [NaN, Infinity, -Infinity, 0])
})

// What anywidget promises a module in every notebook (its "front-end module"), and nothing else.
const PROMISED = ["get", "set", "save_changes", "on", "off", "send"]

test("a figure asks of its host what anywidget promises everywhere", async () => {
  assert.deepEqual(Object.keys(loader), ["render"])
  const asked = []
  let heard
  const host = {
    get: (name) => ({ version: "test" })[name],
    on: (event, hear) => (asked.push(event), (heard = hear)),
    send(message) {
      asked.push(message)
      heard({ kind: "carried" }, [new DataView(new ArrayBuffer(3)), new DataView(new ArrayBuffer(0))])
    },
  }
  const strict = new Proxy(host, {
    get(target, name) {
      if (name !== "then") assert.ok(PROMISED.includes(name), `the host has no ${String(name)}`)
      return target[name]
    },
  })
  globalThis.window ??= globalThis
  const el = { textContent: "" }
  await loader.render({ model: strict, el })
  assert.deepEqual(asked, ["msg:custom", { kind: "carry", plotly: true }])
  assert.match(el.textContent, /^This figure could not be drawn: /) // what came is not what was asked for
})
