// What was chosen stands in the address, so that a link reopens it. Nothing is sent to the server by this.
// A change of page drops the address's parameters; ``kept`` outlives it, and goes into the new page's address.
import { PARAMETERS } from "./parameters.js"

/** @import { Chosen, Cursor } from "../types.d.ts" */

/** @type {Chosen} */
export const kept = {}
let arrivals = 0
let guest = false
read(window.location.search)
let page = window.location.pathname

// Somewhere else altogether: what was chosen before is of no concern there. What stays wherever a tour leads has no number.
/** @param {number | null} number @param {string} led */
export function arrive(number, led) {
  if (number === null) return
  if (number === arrivals) return
  forget()
  arrivals = number
  read(led) // the address may not say it yet
}

// In somebody else's page: its address says nothing of us, and is left alone.
export function stay() {
  guest = true
  forget()
}

function forget() {
  for (const name of /** @type {(keyof Chosen)[]} */ (Object.keys(kept))) delete kept[name]
}

// A whole number that somebody has written in an address; undefined for anything else.
/** @param {string | null} text */
function whole(text) {
  return text !== null && /^-?\d{1,9}$/.test(text) ? Number(text) : undefined
}

// What the address says of what the browser keeps.
/** @param {string} query */
function read(query) {
  for (const [name, value] of new URLSearchParams(query)) {
    const { side, view, kind } = PARAMETERS[name] ?? {}
    const read = kind === "number" ? whole(value) : value
    if (side === "browser" && view && read !== undefined) Object.assign(kept, { [name]: read })
  }
}

export const arrived = () => arrivals

const APART = /\/(beyond|experiments)$/ // pages without the sentence, with a cursor of their own
const CURSOR = /** @type {(keyof Cursor)[]} */ (Object.keys(PARAMETERS).filter((name) => PARAMETERS[name].cursor))

// What of it goes along with the sentence from page to page: where a picture or a line was looked at does not.
/** @param {Chosen} chosen @returns {Chosen} */
function lasting(chosen) {
  const all = Object.entries(chosen)
  const apart = APART.test(window.location.pathname)
  return apart ? Object.fromEntries(all.filter(([name]) => !CURSOR.includes(/** @type {any} */ (name)))) : chosen
}

const LONGEST = 4000 // characters: servers and balancers on the way refuse long addresses
const LONG = "long" // stands in the address for a text that only this tab of the browser keeps

// ``of``: which arrival it was chosen at; what a figure of the place before says late is of no concern here.
/** @param {Chosen} values @param {number | null} [of] */
export function remember(values, of = arrivals) {
  if (guest || of !== arrivals) return
  Object.assign(kept, lasting(values))
  const url = new URL(window.location.href)
  const all = page === url.pathname ? values : { ...lasting(kept), ...values }
  page = url.pathname
  for (const [name, value] of Object.entries(all)) {
    if (name === "text") store(url, value)
    if (value === null || value === undefined || (url.searchParams.has(LONG) && name === "text"))
      url.searchParams.delete(name)
    else url.searchParams.set(name, String(value))
  }
  if (url.href !== window.location.href) window.history.replaceState(window.history.state, "", url)
}

// What the browser alone has chosen stands in the address again, after the server has written there what it knew of it.
// A unit may be the server's choice.
export function mend() {
  const here = new URL(window.location.href).searchParams
  /** @type {(chosen: [string, unknown]) => boolean} */
  const lost = ([name, value]) => value !== null && value !== undefined && !name.startsWith("unit") && !here.has(name)
  remember(Object.fromEntries(Object.entries(lasting(kept)).filter(lost)))
}

/** @param {URL} url @param {string | null | undefined} text */
function store(url, text) {
  if (text && new URLSearchParams({ text }).toString().length > LONGEST) {
    inTab((kept) => kept.removeItem(LONG)) // what is too long to be kept leaves nothing older
    inTab((kept) => kept.setItem(LONG, text))
    url.searchParams.set(LONG, "1")
  } else url.searchParams.delete(LONG)
}

// The text that was too long for this address, if this tab wrote it.
export function long() {
  return new URL(window.location.href).searchParams.has(LONG) ? inTab((kept) => kept.getItem(LONG)) : null
}

// A browser may keep nothing for a page, or not as much.
/** @template Found @param {(kept: Storage) => Found} act @returns {Found | null} */
function inTab(act) {
  try {
    return act(window.sessionStorage)
  } catch {
    return null
  }
}

// The units that were picked, by name; null where none was.
export function picked() {
  const here = new URL(window.location.href).searchParams
  /** @type {(name: "unit" | "unit2") => number | null} */
  const unit = (name) => (kept[name] === undefined ? whole(here.get(name)) : kept[name]) ?? null
  return { unit: unit("unit"), unit2: unit("unit2") }
}

// A page that is left has in its address what was chosen with the cursor, if anything was.
export function leave() {
  const here = new URL(window.location.href).searchParams
  for (const name of CURSOR) {
    const chosen = whole(here.get(name))
    if (chosen !== undefined) kept[name] = chosen // what nobody chose is not kept, not even as undefined: a figure has its own
  }
}

// What was chosen with the cursor on the pages before; undefined if nothing was.
/** @returns {Cursor | undefined} */
export function cursor() {
  const found = CURSOR.filter((name) => Number.isInteger(kept[name])).map((name) => [name, kept[name]])
  return found.length ? Object.fromEntries(found) : undefined
}
