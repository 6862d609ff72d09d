// What a component has drawn stays with the newest of Streamlit's calls, in whichever order they are answered.
import assert from "node:assert/strict"
import { beforeEach, test } from "node:test"

import { hold } from "../../dashboard/browser/page/hold.js"

/** @type {any} */
const global = globalThis
let places = 0
/** @type {any[]} */
let made = []
/** @type {any} */
let mount

beforeEach(() => {
  global.document = { activeElement: null }
  made = []
  const create = () => {
    const one = {
      /** @type {string[]} */
      taken: [],
      out: 0,
      closed: false,
      root: { contains: () => false, remove: () => (one.out += 1) },
      take: (/** @type {any} */ data) => one.taken.push(data.says),
      close: () => (one.closed = true),
    }
    made.push(one)
    return one
  }
  const held = hold(/** @type {any} */ (create), (one, component) =>
    Object.assign(one, { tell: component.setTriggerValue }),
  )
  const parentElement = { append: () => {} }
  const place = `place ${(places += 1)}`
  mount = (/** @type {number} */ turn, /** @type {string} */ says) =>
    held(/** @type {any} */ ({ data: { place, says }, parentElement, turn, setTriggerValue: says }), "")
})

test("a call that is overtaken shows nothing, is told nothing and puts nothing away", () => {
  mount(2, "new")
  const putAway = mount(1, "old")
  putAway()
  assert.deepEqual([made.length, made[0].taken, made[0].tell, made[0].out], [1, ["new"], "new", 0])
})

test("a call that is put away late leaves the next one's drawing in its place", () => {
  const late = mount(1, "one")
  mount(2, "two")
  late()
  assert.deepEqual([made.length, made[0].taken, made[0].out], [1, ["one", "two"], 0])
})

test("what was taken out a moment ago comes back, and otherwise it is closed", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] })
  mount(1, "one")()
  const last = mount(2, "two")
  assert.deepEqual([made.length, made[0].taken, made[0].out], [1, ["one", "two"], 1])
  last()
  context.mock.timers.tick(2000)
  assert.equal(made[0].closed, true)
  mount(3, "three")
  assert.equal(made.length, 2)
})
