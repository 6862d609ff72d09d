// What a component has drawn outlives a moment without a place: when answers overtake each other, Streamlit takes an
// element out of the page and puts it back at once.
const GRACE = 1000 // milliseconds
const left = new Map() // by place: what was taken out and may come back

// A component's function for Streamlit. ``create(parentElement, plotlyUrl)`` makes what has a ``root`` in it, ``take(data)``
// and ``close()``; ``connect(one, component)`` gives it what the component can tell the server with.
export function hold(create, connect = () => {}) {
  const here = new WeakMap()
  return (component, plotlyUrl) => {
    const { data, parentElement } = component
    let one = here.get(parentElement)
    if (!one) {
      one = back(data.place, parentElement) ?? create(parentElement, plotlyUrl)
      here.set(parentElement, one)
    }
    connect(one, component)
    one.take(data)
    return () => {
      here.delete(parentElement)
      leave(data.place, one)
    }
  }
}

function leave(place, one) {
  const focus = one.root.contains(document.activeElement) ? document.activeElement : null
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

function back(place, parent) {
  const found = left.get(place)
  if (!found) return undefined
  clearTimeout(found.timer)
  left.delete(place)
  parent.append(found.one.root)
  found.focus?.focus({ preventScroll: true })
  return found.one
}
