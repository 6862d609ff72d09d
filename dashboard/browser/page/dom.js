// Elements are made from text, never from markup: whatever a visitor or a model's header says is shown as it stands.

/** What an element gets: ``text``, ``style``, ``test`` (its data-testid), what begins with "on", else attributes.
 * @typedef {Record<string, any>} Props */
/** @typedef {[value: string | number, text: string]} Option */

/** @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag @param {Props} props @param {(Node | string)[]} children @returns {HTMLElementTagNameMap[Tag]} */
export function make(tag, props = {}, ...children) {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue
    if (name === "text") node.textContent = value
    else if (name === "style") Object.assign(node.style, value)
    else if (name.startsWith("on")) Object.assign(node, { [name]: value })
    else node.setAttribute(name === "test" ? "data-testid" : name, value)
  }
  node.append(...children)
  return node
}

/** @type {(option: Option) => HTMLOptionElement} */
const option = ([value, text]) => make("option", { value, text })

// A <select> that is filled anew only when its options changed, so that an open list is not closed by a repaint.
/** @param {HTMLSelectElement} select @param {(Option | { group: string, options: Option[] })[]} options
 * @param {string | number} value */
export function fill(select, options, value) {
  const signature = JSON.stringify(options)
  if (select.dataset.options !== signature) {
    const nodes = options.map((one) =>
      Array.isArray(one) ? option(one) : make("optgroup", { label: one.group }, ...one.options.map(option)),
    )
    select.replaceChildren(...nodes)
    select.dataset.options = signature
  }
  select.value = String(value)
}

// New children for a node; where the keyboard stood in the old ones, it stands in the new ones.
/** @param {HTMLElement} node @param {(Node | string)[]} children */
export function swap(node, ...children) {
  const stops = () => /** @type {HTMLElement[]} */ (Array.from(node.querySelectorAll(STOPS)))
  const at = stops().findIndex((stop) => stop === document.activeElement)
  node.replaceChildren(...children)
  if (at < 0) return
  /** @type {HTMLElement | null} */
  const around = node.closest("[tabindex]")
  const stop = stops()[at] ?? stops().at(-1) ?? around
  stop?.focus({ preventScroll: true })
}

const STOPS = "button, summary, select, a, [tabindex]"

/** @type {Map<string, Promise<unknown>>} */
const loaded = new Map()

// A saved page carries its scripts and style sheets, marked with their names.
/** @param {string} name */
function carried(name) {
  /** @type {NodeListOf<HTMLElement>} */
  const nodes = document.querySelectorAll("[data-file]")
  return Array.from(nodes).some((node) => node.dataset.file === name)
}

// Load a script or a style sheet once a page, unless the page carries it; a name stands beside the module at ``base``.
/** @param {"link" | "script"} tag @param {string} name @param {string} [base] @returns {Promise<unknown>} */
export function load(tag, name, base) {
  if (carried(name)) return Promise.resolve()
  const url = new URL(name, base).href
  const known = loaded.get(url)
  if (known) return known
  const promise = new Promise((resolve, reject) => {
    const node = tag === "link" ? make("link", { rel: "stylesheet", href: url }) : make("script", { src: url })
    node.onload = resolve
    node.onerror = () => reject(new Error(`could not load ${url}`))
    document.head.append(node)
  })
  loaded.set(url, promise)
  return promise
}

// Load the style sheet of what stands in ``parent``, of which nothing is seen before it is there, nor can have the focus.
/** @param {HTMLElement} parent @param {string} name @param {string} base @returns {Promise<unknown>} */
export function dress(parent, name, base) {
  if (carried(name)) return Promise.resolve()
  parent.style.visibility = "hidden"
  return load("link", name, base).finally(() => (parent.style.visibility = ""))
}
