// What the browser says, in the visitor's language: a template with places to fill in is looked up.
let words = {}
let language = "en"
const catalogues = new Map([["en", {}]])

// Before anything is drawn the catalogue of its language is here.
export async function speak(wanted) {
  if (!catalogues.has(wanted)) catalogues.set(wanted, import(`./words.${wanted}.js`).then((module) => module.default))
  words = await catalogues.get(wanted)
  language = wanted
  if (document.documentElement.lang !== wanted) document.documentElement.lang = wanted
}

export function tr(text, values = {}) {
  return (words[text] ?? text).replace(/\{(\w+)\}( ?)/g, (whole, name, space) => (name in values ? `${values[name]}${closed(values[name]) ? "" : space}` : whole))
}

const closed = (value) => String(value).endsWith("）") // a full-width bracket brings its own space

// "a", "b" and "c" as one list.
export function list(items) {
  return new Intl.ListFormat(language, { type: "conjunction" }).format(items)
}
