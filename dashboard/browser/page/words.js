// What the browser says, in the visitor's language: a template with places to fill in is looked up.

/** @typedef {Record<string, string>} Catalogue */

/** @type {Catalogue} */
let words = {}
let language = "en"
/** @type {Map<string, Catalogue | Promise<Catalogue>>} */
const catalogues = new Map([["en", {}]])

// Before anything is drawn the catalogue of its language is here.
/** @param {string} wanted */
export async function speak(wanted) {
  const known = catalogues.get(wanted) ?? import(`./words.${wanted}.js`).then((module) => module.default)
  catalogues.set(wanted, known)
  words = await known
  language = wanted
  if (document.documentElement.lang !== wanted) document.documentElement.lang = wanted
}

/** @type {(text: string, values?: Record<string, unknown>) => string} */
export function tr(text, values = {}) {
  return (words[text] ?? text).replace(/\{(\w+)\}( ?)/g, (whole, name, space) =>
    name in values ? `${values[name]}${closed(values[name]) ? "" : space}` : whole,
  )
}

/** @type {(value: unknown) => boolean} */
const closed = (value) => String(value).endsWith("）") // a full-width bracket brings its own space

// "a", "b" and "c" as one list.
/** @type {(items: string[]) => string} */
export function list(items) {
  return new Intl.ListFormat(language, { type: "conjunction" }).format(items)
}
