// Elements are made from text, never from markup: whatever a visitor or a model's header says is shown as it stands.
export function make(tag, props = {}, ...children) {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue
    if (name === "text") node.textContent = value
    else if (name === "style") Object.assign(node.style, value)
    else if (name.startsWith("on")) node[name] = value
    else node.setAttribute(name === "test" ? "data-testid" : name, value)
  }
  node.append(...children)
  return node
}

export function option(value, text) {
  return make("option", { value, text })
}

// A <select> that is filled anew only when its options changed, so that an open list is not closed by a repaint.
export function fill(select, options, value) {
  const signature = JSON.stringify(options)
  if (select.dataset.options !== signature) {
    select.replaceChildren(
      ...options.map((one) =>
        one.group
          ? Object.assign(make("optgroup", { label: one.group }, ...one.options.map(([v, t]) => option(v, t))))
          : option(one[0], one[1])
      )
    )
    select.dataset.options = signature
  }
  select.value = String(value)
}

// New children for a node; where the keyboard stood in the old ones, it stands in the new ones.
export function swap(node, ...children) {
  const stops = () => Array.from(node.querySelectorAll("button, summary, select, a, [tabindex]"))
  const at = stops().indexOf(document.activeElement)
  node.replaceChildren(...children)
  if (at >= 0) (stops()[at] ?? stops().at(-1) ?? node.closest("[tabindex]"))?.focus({ preventScroll: true })
}

const loaded = new Map()

// Load a script or a style sheet once a page; a name stands beside the module at ``base``. A saved page carries its own,
// marked with their names, and loads nothing.
export function load(tag, name, base) {
  if (Array.from(document.querySelectorAll("[data-file]")).some((node) => node.dataset.file === name)) return Promise.resolve()
  const url = new URL(name, base).href
  if (!loaded.has(url)) {
    loaded.set(
      url,
      new Promise((resolve, reject) => {
        const node = tag === "link" ? make("link", { rel: "stylesheet", href: url }) : make("script", { src: url })
        node.onload = resolve
        node.onerror = () => reject(new Error(`could not load ${url}`))
        document.head.append(node)
      })
    )
  }
  return loaded.get(url)
}
