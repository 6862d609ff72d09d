// Whether the server answers, as Streamlit says it of itself in the page. Nothing is asked for, and while all is well
// nothing happens here.
const CONNECTION = "data-test-connection-state"
const SCRIPT = "data-test-script-state"
const OWN = 500 // milliseconds within which Streamlit asks for a run of its own when the line is back, if it does
const LATEST = 2000 // within which the run that is asked for instead has begun

/** @type {() => HTMLElement | null} */
const app = () => document.querySelector("[data-testid=stApp]")
const connection = () => app()?.getAttribute(CONNECTION)
const connected = () => connection() === "CONNECTED"
let returning = false

export const away = () => Boolean(app()) && !connected()
export const running = () => ["running", "rerunRequested"].includes(app()?.getAttribute(SCRIPT) ?? "")
// Whether the run that follows on the line's return is still to come, or not over.
export const settling = () => returning

// ``nears()``: the line is about to be back; what is said now goes with the run that follows on it. ``returns()``: it is
// back, and no such run follows by itself. ``changes()``: it has gone, or is back. ``ends()``: a run of the page, or of
// a part of it, is over; a short one may begin and end between two looks.
/** @param {Record<"nears" | "returns" | "changes" | "ends", () => void>} heard */
export function watch({ nears, returns, changes, ends }) {
  let [was, ran] = [connection(), running()]
  /** @type {number | undefined} */
  let waiting
  const dialogs = new MutationObserver(undisturbed)
  const look = () => {
    const now = connection()
    if (now !== was) {
      if (now === "CONNECTING") nears()
      if (now === "CONNECTED") {
        returning = true
        waiting = setTimeout(() => {
          waiting = setTimeout(() => (returning = false), LATEST)
          returns()
        }, OWN)
        dialogs.disconnect()
        document.removeEventListener("focusin", remind)
      } else if (was === "CONNECTED") {
        clearTimeout(waiting)
        returning = false
        remind({ target: document.activeElement })
        document.addEventListener("focusin", remind)
        dialogs.observe(document.body, { childList: true })
      }
      was = now
      changes()
    }
    if (running()) clearTimeout(waiting)
    else if (ran) {
      returning = false
      ends()
    }
    ran = running()
  }
  const observed = app()
  if (observed)
    new MutationObserver(look).observe(observed, { attributes: true, attributeFilter: [CONNECTION, SCRIPT] })
}

// Streamlit lays a dialog over a page whose server is away, in which nobody can type on. The page has its own words.
const TITLE = "Connection error"
/** @type {HTMLElement | null} */
let focus = null // where the keyboard was

/** @param {{ target: unknown }} event */
function remind({ target }) {
  if (target instanceof HTMLElement && !target.closest("[role=dialog]")) focus = target
}

/** @param {MutationRecord[]} records */
function undisturbed(records) {
  for (const node of records.flatMap(({ addedNodes }) => Array.from(addedNodes))) {
    if (!(node instanceof HTMLElement) || !node.matches("[data-testid=stDialog]")) continue
    if (node.querySelector("[slot=title]")?.textContent !== TITLE) continue
    /** @type {HTMLElement | null} */
    const close = node.querySelector("[aria-label=Close]")
    node.style.display = "none"
    close?.click() // it does not come again before the line is back
    setTimeout(() => focus?.focus({ preventScroll: true }))
  }
}
