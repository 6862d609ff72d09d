// The browser's copy of the address: what was chosen with the cursor, and nothing that nobody chose.
import assert from "node:assert/strict"
import { test } from "node:test"

const window = { location: new URL("http://host/gates?text=We"), history: { state: null, replaceState() {} } }
Object.assign(globalThis, { window })
const { cursor, kept, leave } = await import("../../dashboard/browser/page/url.js")

test("leaving a page keeps what its address says of the cursor", () => {
  leave()
  assert.ok(!("at" in kept) && !("unit" in kept), "not even as undefined")
  assert.equal(cursor(), undefined)
  window.location = new URL("http://host/gates?text=We&at=14&unit=x&unit2=7")
  leave()
  assert.deepEqual(cursor(), { at: 14, unit2: 7 })
  window.location = new URL("http://host/memory?text=We")
  leave()
  assert.deepEqual(cursor(), { at: 14, unit2: 7 }, "what was chosen before stays")
  assert.equal({ at: -1, unit: null, ...kept }.unit, null, "a figure's own settings show through")
})
