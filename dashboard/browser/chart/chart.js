// Panels of Plotly figures with a heading each, below the words of the sentence. A step that is chosen goes to the server.
import { load, make } from "../page/dom.js"
import { hold } from "../page/hold.js"
import { check } from "../page/origin.js"
import { dark, height, ours, rect } from "../page/screen.js"
import { kept, remember } from "../page/url.js"
import { tr } from "../page/words.js"


export default hold(
  (parent, plotlyUrl) => new Chart(parent, plotlyUrl),
  (chart, { setStateValue }) => (chart.send = (step) => setStateValue("step", step))
)

class Chart {
  constructor(parent, plotlyUrl) {
    this.words = make("div", { class: "gc-words", test: "gc-words", role: "listbox", "aria-label": tr("Words of the sentence") })
    this.grid = make("div", { class: "gc-grid" })
    this.root = make("div", { class: "gc", test: "gc", role: "group" }, this.words, this.grid)
    parent.append(this.root)
    this.panels = new Map()
    this.ready = Promise.all([load("link", new URL("chart.css", import.meta.url).href), load("script", plotlyUrl)])
    this.repaints = 0
    this.only = kept.only ?? new URLSearchParams(location.search).get("only")
    this.onKey = (event) => this.key(event)
    document.addEventListener("keydown", this.onKey)
    this.observer = new ResizeObserver(() => this.resized())
    this.observer.observe(this.root)
  }

  close() {
    this.observer.disconnect()
    document.removeEventListener("keydown", this.onKey)
    for (const { plot } of this.panels.values()) window.Plotly?.purge(plot)
    this.root.remove()
  }

  async take(content) {
    const another = this.content?.of && content.of?.text !== this.content.of.text
    this.content = content
    this.step = content.step
    if (another) remember({ at: this.at(this.step) }) // of a new sentence
    this.count = content.words.length ? content.words.at(-1)[2] + 1 : 0
    await this.ready
    if (content !== this.content) return
    this.render()
  }

  // The step of the text at a place of the row.
  at(place) {
    return this.content.steps?.[place] ?? place
  }

  choose(step) {
    const next = Math.max(0, Math.min(this.count - 1, step))
    if (next === this.step) return
    this.step = next
    this.mark()
    remember({ at: this.at(next) })
    this.send(next)
    this.root.waits = true
    check()
  }

  key(event) {
    if (!ours(this.root, event)) return
    if (/^[0-9]$/.test(event.key) && this.root === document.querySelector(".gc")) this.pickPanel(Number(event.key))
    if (!this.count) return
    const step = { ArrowLeft: this.step - 1, ArrowRight: this.step + 1, PageUp: this.step - 1, PageDown: this.step + 1, Home: 0, End: this.count - 1 }[event.key]
    if (step === undefined) return
    event.preventDefault()
    this.choose(step)
  }

  // One figure alone, by its place on the page from 1 on; 0 is all of them.
  pickPanel(number) {
    this.only = this.content.panels.filter((panel) => panel.figure)[number - 1]?.id ?? null
    remember({ only: this.only })
    this.render()
  }

  // The keyboard stops once at the words, at the chosen one, and goes along with it.
  mark() {
    const inside = this.words.contains(document.activeElement)
    for (const node of this.words.children) {
      const here = node.first <= this.step && this.step <= node.last
      node.classList.toggle("gc-here", here)
      node.setAttribute("aria-selected", String(here))
      node.tabIndex = here ? 0 : -1
      if (here && inside) node.focus({ preventScroll: true })
      if (here) this.reveal(node)
    }
  }

  // A long sentence has a window of its own to its words.
  reveal(node) {
    const { words } = this
    const top = node.offsetTop - words.offsetTop
    if (top < words.scrollTop || top + node.offsetHeight > words.scrollTop + words.clientHeight) words.scrollTop = top
  }

  async render() {
    const { content } = this
    const signature = JSON.stringify(content.words)
    if (this.words.dataset.words !== signature) {
      this.words.dataset.words = signature
      this.words.replaceChildren(...content.words.map(([text, first, last, known]) => {
        const node = make("button", { type: "button", class: `gc-word${known ? "" : " gc-unknown"}`, text, dir: "auto", role: "option",
          title: known ? text : tr("{text}: not in the vocabulary, read as <unk>", { text }), onclick: () => this.choose(first === this.step ? last : first) })
        return Object.assign(node, { first, last })
      }))
    }
    this.mark()
    this.dark = dark(this.root)
    this.root.classList.toggle("gc-dark", this.dark)
    this.grid.style.setProperty("--gc-columns", content.columns)
    const seen = new Set(content.panels.map((panel) => panel.id))
    this.alone = content.panels.some((panel) => panel.id === this.only && panel.figure) ? this.only : undefined
    const changed = content.panels.filter((panel) => this.write(panel))
    for (const [id, { box, plot }] of this.panels) if (!seen.has(id)) {
      window.Plotly.purge(plot)
      box.remove()
      this.panels.delete(id)
    }
    const boxes = content.panels.map((panel) => this.panels.get(panel.id).box)
    if (boxes.some((box, k) => box !== this.grid.children[k])) this.grid.append(...boxes) // in their order
    // All widths are read before anything is drawn: between two drawings the browser would lay the page out anew.
    this.family = getComputedStyle(this.root).fontFamily
    const sizes = changed.map(({ id }) => this.panels.get(id).plot.clientWidth)
    await Promise.all(changed.map((panel, k) => this.draw(panel, sizes[k])))
    this.repaints += 1
    Object.assign(this.root, { of: content.of, waits: this.step !== content.step })
    Object.assign(this.root.dataset, { repaints: this.repaints, ready: "1", step: this.step, only: this.alone ?? "" })
    this.root.dispatchEvent(new CustomEvent("gs:repaint"))
  }

  // The panel's texts; whether its figure has to be drawn.
  write(panel) {
    let parts = this.panels.get(panel.id)
    if (!parts) {
      const [title, text, note, plot] = [make("h3"), make("p", { class: "gc-text" }), make("p", { class: "gc-note" }), make("div", { class: "gc-plot" })]
      const legend = make("p", { class: "gc-legend" })
      parts = { box: make("section", { class: "gc-panel", test: `gc-${panel.id}` }, title, text, legend, plot, note), title, text, legend, note, plot }
      this.panels.set(panel.id, parts)
      this.grid.append(parts.box)
    }
    parts.box.hidden = this.alone !== undefined && panel.id !== this.alone
    const stamp = `${panel.stamp} ${this.dark} ${this.root.clientWidth} ${this.content.columns} ${panel.id === this.alone}`
    if (parts.box.hidden || parts.stamp === stamp) return false
    parts.stamp = stamp
    const { box, title, text, legend, note, plot } = parts
    title.textContent = panel.title
    text.textContent = panel.text ?? ""
    note.textContent = panel.note ?? ""
    box.style.gridColumn = panel.wide || panel.id === this.alone ? "1 / -1" : ""
    const named = panel.figure?.layout.showlegend ? panel.figure.data.filter((one) => one.name && one.showlegend !== false) : []
    legend.replaceChildren(...named.map(key))
    plot.hidden = !panel.figure
    plot.setAttribute("role", "img")
    plot.setAttribute("aria-label", panel.alt ?? panel.title)
    return Boolean(panel.figure)
  }

  draw(panel, width) {
    const parts = this.panels.get(panel.id)
    const { plot } = parts
    const room = panel.id === this.alone ? height() - rect(plot).top - (document.querySelector(".stMain")?.scrollTop ?? 0) - 24 : 0 // what is left of the window
    const layout = { ...panel.figure.layout, height: Math.max(panel.height, room), width: width || undefined, showlegend: false }
    layout.font = { ...layout.font, family: this.family }
    const { l, r, t, b } = layout.margin
    layout.xaxis = roomy(layout.xaxis, width - l - r)
    layout.yaxis = roomy(layout.yaxis, layout.height - t - b, true)
    if (this.dark) {
      Object.assign(layout, this.content.dark, { font: { ...this.content.dark.font, family: layout.font.family } })
      for (const name of ["coloraxis", "coloraxis2"]) if (panel.figure.layout[name]) layout[name] = { ...panel.figure.layout[name], colorscale: this.content.dark[name].colorscale }
    }
    const drawing = window.Plotly.react(plot, panel.figure.data, layout, { displayModeBar: false, showSendToCloud: false, scrollZoom: false })
    if (!parts.listening) {
      parts.listening = true
      plot.on("plotly_click", ({ points }) => {
        const at = points[0]?.[plot.layout.meta?.pick]
        if (Number.isFinite(at)) this.choose(Math.round(at))
      })
    }
    return drawing
  }

  resized() {
    if (!this.root.isConnected) return
    const width = this.root.clientWidth
    if (width === this.width) return
    const first = this.width === undefined
    this.width = width
    if (first || !this.content || !window.Plotly) return
    cancelAnimationFrame(this.frame)
    this.frame = requestAnimationFrame(() => this.render())
  }
}

// A trace's name beside a piece of its line, or its mark. Names are already escaped for Plotly.
function key(one) {
  const { color, symbol } = { ...one.line, ...one.marker }
  const kind = one.mode === "markers" ? (symbol?.endsWith("open") ? "ring" : "mark") : one.type === "bar" ? "bar" : (one.line.dash ?? "solid")
  return make("span", {}, make("i", { class: `gc-key gc-${kind}`, style: { color } }), plain(one.name))
}

// Of an axis with upright labels those that find room side by side: every one, every second, ...
function roomy(axis, length, down = false) {
  if (axis?.tickmode !== "array" || axis.tickangle !== 0 || !(length > 0)) return axis
  const wide = (line) => [...line].reduce((sum, char) => sum + (char > "\u2e80" ? 11 : 7), 0)
  const room = down ? 11 : Math.max(0, ...axis.ticktext.flatMap((text) => plain(text).split("<br>")).map(wide))
  const every = Math.max(1, Math.ceil((room * Math.abs(axis.range[1] - axis.range[0])) / length / (axis.tickvals[1] - axis.tickvals[0] || 1)))
  const kept = (_, k) => k % every === 0
  return { ...axis, tickvals: Array.from(axis.tickvals).filter(kept), ticktext: axis.ticktext.filter(kept) }
}

const plain = (name) => name.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&")
