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

const loaded = new Map()

// Load a script or a style sheet once a page.
export function load(tag, url) {
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
