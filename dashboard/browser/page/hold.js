// What a component has drawn outlives a moment without a place: when answers overtake each other, Streamlit takes an
// element out of the page and puts it back at once.

/** @import { Component, Drawn } from "../types.d.ts" */

const GRACE = 1000 // milliseconds
/** @type {Map<string, { one: Drawn<any>, focus: HTMLElement | null, end: () => void, timer: number }>} */
const left = new Map() // by place: what was taken out and may come back

/** @type {Map<string, number>} */
const turns = new Map() // by place: the newest call

// A component's function for Streamlit. ``create(parentElement, plotlyUrl)`` makes what has a ``root`` in it, ``take(data)``
// and ``close()``; ``connect(one, component)`` gives it what the component can tell the server with.
/** @template Data @template {Drawn<Data>} One
 * @param {(parent: HTMLElement, plotlyUrl: string) => One} create
 * @param {(one: One, component: Component<Data>) => void} [connect]
 * @returns {(component: Component<Data>, plotlyUrl: string) => () => void} */
export function hold(create, connect = () => {}) {
  /** @type {WeakMap<HTMLElement, One>} */
  const here = new WeakMap()
  /** @type {WeakMap<One, object>} */
  const latest = new WeakMap() // a call that is answered late may be put away after the next one has begun
  return (component, plotlyUrl) => {
    const { data, parentElement, turn } = component
    if (turn < (turns.get(data.place) ?? 0)) return () => {} // overtaken: what it shows is old, and nobody hears its setters
    turns.set(data.place, turn)
    const before = here.get(parentElement) ?? /** @type {One | undefined} */ (back(data.place, parentElement))
    const one = before ?? create(parentElement, plotlyUrl)
    const call = {}
    latest.set(one, call)
    here.set(parentElement, one)
    connect(one, component)
    one.take(data)
    return () => {
      if (latest.get(one) !== call) return
      here.delete(parentElement)
      leave(data.place, one)
    }
  }
}

/** @param {string} place @param {Drawn<any>} one */
function leave(place, one) {
  const active = /** @type {HTMLElement | null} */ (document.activeElement)
  const focus = one.root.contains(active) ? active : null
  one.root.remove()
  left.get(place)?.end()
  const end = () => {
    clearTimeout(timer)
    left.delete(place)
    one.close()
  }
  const timer = setTimeout(end, GRACE)
  left.set(place, { one, focus, timer, end })
}

/** @param {string} place @param {HTMLElement} parent */
function back(place, parent) {
  const found = left.get(place)
  if (!found) return undefined
  clearTimeout(found.timer)
  left.delete(place)
  parent.append(found.one.root)
  found.focus?.focus({ preventScroll: true })
  return found.one
}
