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
  const places = /([\u4e00-\u9fff] )?\{(\w+)\}( ?)(?=([\u4e00-\u9fff]?))/g
  const template = (words[text] ?? text)
    .replace(/(?<=[\d}]) (?=%)/g, "\u202f") // no line ends between a number and its %
    .replace(/“(\{(\w+)\})”/g, (whole, place, name) => (quotes(String(values[name])) ? `‘${place}’` : whole))
  return template.replace(places, (whole, before = "", name, after, next) => {
    if (!(name in values)) return whole
    const value = String(values[name])
    const ends = value.endsWith("）") || (next && wide(value.slice(-1))) // a full-width bracket brings its own space
    return `${wide(value[0] ?? "") ? before.trim() : before}${value}${ends ? "" : after}`
  })
}

// A text in which no line ends within “c = −0.82: he”, “c = −0.82 (he)”.
/** @type {(said: string) => string} */
export const grouped = (said) =>
  said.replace(/(?<=\S) = (?=[−\d])/g, "\u00a0=\u00a0").replace(/(?<=\u00a0=\u00a0[−\d.]+[:,]?) /g, "\u00a0")

// Whether a text has quotation marks of its own: around it stand others.
/** @param {string} text */
export const quotes = (text) => /["“”]/.test(text)

// Chinese characters and their quotation marks and brackets: no space stands between two of them.
/** @type {(sign: string) => boolean} */
const wide = (sign) => /[\u4e00-\u9fff\u201c\u201d\u300a\u300b\uff08\uff09]/.test(sign)

// "a", "b" and "c" as one list.
/** @type {(items: string[]) => string} */
export function list(items) {
  return new Intl.ListFormat(language, { type: "conjunction" }).format(items)
}
