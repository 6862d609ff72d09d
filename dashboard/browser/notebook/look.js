// The colours of a figure on somebody else's page, by the ground that it stands on.

/** Red, green, blue, each 0 to 255. @typedef {[number, number, number]} Colour */

// The colour of what lies behind an element: the first of those around it that one cannot see through.
/** @param {Element} element @returns {Colour} */
export function ground(element) {
  for (let node = /** @type {Element | null} */ (element); node; node = around(node)) {
    const colour = read(getComputedStyle(node).backgroundColor)
    if (colour) return colour
  }
  return window.matchMedia("(prefers-color-scheme: dark)").matches && darkened() ? [20, 23, 28] : [255, 255, 255]
}

/** @param {Element} node @returns {Element | null} */
const around = (node) => node.parentElement ?? /** @type {ShadowRoot} */ (node.getRootNode()).host ?? null

const darkened = () => getComputedStyle(document.documentElement).colorScheme.includes("dark")

// What a computed colour says; nothing where one sees through it.
/** @param {string} text @returns {Colour | undefined} */
export function read(text) {
  const [r, g, b, a = 1] = /^rgba?\(/.test(text) ? (text.match(/[\d.]+/g) ?? []).map(Number) : painted(text)
  return b === undefined || a < 0.5 ? undefined : [r, g, b]
}

// The same of a colour that stays as its style sheet writes it, as oklch() and color() do: what the browser makes of it.
/** @param {string} text @returns {number[]} */
function painted(text) {
  const pen = document.createElement("canvas").getContext("2d")
  if (!pen) return []
  pen.fillStyle = text
  pen.fillRect(0, 0, 1, 1)
  const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data
  return [r, g, b, a / 255]
}

// The page's variables on that ground.
/** @param {Colour} colour @returns {Record<string, string>} */
export function colours(colour) {
  const [r, g, b] = colour
  const dark = 0.3 * r + 0.6 * g + 0.1 * b < 128
  return {
    "--st-background-color": `#${colour.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`,
    "--st-text-color": dark ? "#e3e6ea" : "#1f2328",
    "--st-border-color": dark ? "#343a42" : "#d9dde1",
    "--st-primary-color": dark ? "#85c4c9" : "#2a5674",
    "--st-font": 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
  }
}
