// What was chosen stands in the address, so that a link reopens it. Nothing is sent to the server by this.
// A change of page drops the address's parameters; ``kept`` outlives it.
export const kept = {}

export function remember(values) {
  Object.assign(kept, values)
  const url = new URL(window.location.href)
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === undefined) url.searchParams.delete(name)
    else url.searchParams.set(name, String(value))
  }
  if (url.href !== window.location.href) window.history.replaceState(window.history.state, "", url)
}
