// The screen that a page has. A talk's is enlarged: the page is laid out as on a small screen and scaled up as a whole.
const SMALL = [1200, 675]
const LARGEST = 4
const state = { presenting: false, scale: 1, whole: 1, bar: 0 }

// Present or not, with a bar of so many pixels at the window's lower edge.
/** @param {boolean} on @param {number} bar */
export function present(on, bar) {
  const [whole, scale] = [0, bar].map((taken) => {
    const fit = Math.min(window.innerWidth / SMALL[0], (window.innerHeight - taken) / SMALL[1])
    return on ? Math.max(1, Math.min(LARGEST, fit)) : 1
  })
  Object.assign(state, { presenting: on, bar, scale, whole })
  const root = document.documentElement
  root.classList.toggle("gs-present", on)
  root.classList.toggle("gs-wall", wall())
  root.style.setProperty("--gs-scale", String(state.scale))
  root.style.setProperty("--gs-bar", `${bar}px`)
}

export const presenting = () => state.presenting

// Whether a talk's screen has room for larger words; on a small projector they would push each other out.
export const wall = () => state.presenting && state.scale > 1.2

// Pixels of the page that are as many of the screen as these would be without the bar.
/** @param {number} pixels */
export const besideBar = (pixels) => (pixels * state.whole) / state.scale

// Whether a tour leads: its line is the headline then.
export const guided = () => document.documentElement.classList.contains("gs-tour")

// The window's height in the page's own pixels.
export const height = () => (window.innerHeight - state.bar) / state.scale

// An element's place and size in the window, in the page's own pixels.
/** @param {Element} node */
export function rect(node) {
  const { left, top, width, height } = node.getBoundingClientRect()
  return { left: left / state.scale, top: top / state.scale, width: width / state.scale, height: height / state.scale }
}

// Where the mouse is within an element.
/** @param {Element} node @param {MouseEvent} event @returns {[x: number, y: number]} */
export function within(node, event) {
  const { left, top } = rect(node)
  return [event.clientX / state.scale - left, event.clientY / state.scale - top]
}

// Whether the page is dark, by the background that Streamlit gives a component's root.
/** @param {Element} root */
export function dark(root) {
  const [r, g, b] = (
    getComputedStyle(root)
      .getPropertyValue("--st-background-color")
      .match(/[0-9a-f]{2}/gi) ?? ["ff", "ff", "ff"]
  ).map((part) => parseInt(part, 16))
  return 0.3 * r + 0.6 * g + 0.1 * b < 128
}

// What has the keyboard, for an element that may stand in a root of its own, into which the document does not see.
/** @param {Element} element @returns {Element} */
export function focused(element) {
  const root = /** @type {Partial<DocumentOrShadowRoot>} */ (element.getRootNode())
  return root.activeElement ?? document.activeElement ?? document.body
}

const FIGURES = ".gs-plot, .gc, .gw"
const ANSWERS = "[role=radiogroup], [role=tablist], [role=menu], [role=listbox], [role=slider], audio, video" // to arrows themselves

// Whether a key is for the figure in ``root``: not where somebody is writing, not if what has the focus answers to it; in
// somebody else's page only if the focus is in it.
/** @param {Element} root @param {KeyboardEvent} event */
export function ours(root, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || writing()) return false
  const focus = focused(root)
  if (root.contains(focus)) return true
  if (root.closest("[data-guest]")) return false
  if (focus.closest(FIGURES) || focus.closest(ANSWERS)) return false
  return event.key !== " " || !focus.closest("button, a, summary, [role=button]")
}

// Whether somebody is writing, or choosing from a list: their keys are not ours.
export function writing() {
  const focus = document.activeElement
  return Boolean(
    focus &&
    ((focus instanceof HTMLElement && focus.isContentEditable) ||
      /^(INPUT|TEXTAREA|SELECT)$/.test(focus.tagName) ||
      focus.closest("[role=dialog], [role=listbox]:not([data-testid])")),
  )
}
