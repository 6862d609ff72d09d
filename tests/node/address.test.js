// The browser's copy of the address: what was chosen with the cursor, and nothing that nobody chose.
import assert from "node:assert/strict"
import { test } from "node:test"

const window = { location: new URL("http://host/gates?text=We"), history: { state: null, replaceState() {} } }
Object.assign(globalThis, { window })
const { cursor, kept, leave, long, mend, remember } = await import("../../dashboard/browser/page/url.js")

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

test("where a picture was looked at is no place in the sentence, and the other way round", () => {
  window.history.replaceState = (_state, _title, url) => (window.location = new URL(url))
  window.location = new URL("http://host/memory?text=We")
  remember({ at: 5, only: "writers" })
  window.location = new URL("http://host/beyond?beyond=Draw")
  mend()
  assert.equal(window.location.search, "?beyond=Draw&only=writers")
  remember({ at: 9 })
  assert.equal(new URLSearchParams(window.location.search).get("at"), "9", "a link to a picture says which")
  assert.equal(cursor()?.at, 5)
  window.location = new URL("http://host/gates?text=We")
  mend()
  assert.equal(new URLSearchParams(window.location.search).get("at"), "5")
})

test("half of a character has its sign in the address, and a long text need not be kept by the browser", () => {
  window.location = new URL("http://host/gates")
  remember({ text: "a\ud800" })
  assert.equal(new URLSearchParams(window.location.search).get("text"), "a\ufffd")
  Object.defineProperty(window, "sessionStorage", {
    get() {
      throw new Error("this browser keeps nothing")
    },
  })
  remember({ text: "a\ud800".repeat(3000) })
  assert.equal(window.location.search, "?long=1")
  assert.equal(long(), null)
})
