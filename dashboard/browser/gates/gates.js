// @ts-nocheck
// One figure for the whole grid. The server sends it when text or models change; cursor, unit, order and zoom live here.
import { clamp } from "../page/numbers.js"
import { fromSide, stepCount, toSide, wordAt } from "../page/align.js"
import { fill, load, make } from "../page/dom.js"
import { download, keep } from "./export.js"
import { film, filmed } from "./film.js"
import { arrange } from "./geometry.js"
import { hold } from "../page/hold.js"
import * as labels from "./labels.js"
import * as overlay from "./overlay.js"
import { listen } from "./pointer.js"
import * as readout from "./readout.js"
import * as screen from "../page/screen.js"
import * as telling from "./telling.js"
import * as tint from "./tint.js"
import { again, change } from "../page/origin.js"
import { kept, remember } from "../page/url.js"
import { list, tr } from "../page/words.js"

const BEAT = 450 // milliseconds a step while playing
const BAND = ["gap", "high", "median", "low"] // rows below the units, as lstm_core/drawing/band.py sums up the others
const THICK = 3 // pixels of a row at least, where not all units have one
const ON_THE_WALL = 28 // of a panel at least in a talk, where all of them are to be seen at once
const orderNames = () => ({
  index: tr("index"),
  keep: tr("mean keep"),
  timescale: tr("timescale"),
  moved: tr("movement here"),
})

export default hold(
  (parent, plotlyUrl) => new Figure(parent, plotlyUrl),
  (figure, { setTriggerValue }) => (figure.ask = setTriggerValue), // there is none in a saved page
)

export class Figure {
  constructor(parent, plotlyUrl) {
    const button = (test, text, title, onclick) =>
      make("button", { type: "button", test, text, title, onclick, class: "gs-button" })
    this.caption = make("p", { class: "gs-caption", test: "gs-caption", "aria-live": "polite" })
    this.sort = make("select", {
      test: "gs-sort",
      "aria-label": tr("Order of the units"),
      onchange: () => this.sortUnits(this.sort.value),
    })
    this.show = make("select", {
      test: "gs-show",
      "aria-label": tr("Which units have a row"),
      onchange: () => change({ show: this.show.value }),
    })
    this.showLabel = make("label", {}, tr("Units"), " ", this.show)
    this.playButton = button("gs-play", tr("Play"), tr("Space"), () => this.play(!this.timer))
    this.zoomButtons = make(
      "span",
      { class: "gs-tools" },
      button("gs-closer", tr("Zoom in"), "+", () => this.zoom(0.5)),
      button("gs-further", tr("Zoom out"), "−", () => this.zoom(2)),
    )
    this.filmButton = button("gs-gif", "GIF", tr("Save the play as a film"), () => this.film())
    this.made = make(
      "span",
      { class: "gs-tools" },
      this.filmButton,
      button("gs-offline", tr("Offline HTML"), tr("Save the figure as one file for any browser"), () =>
        this.ask("offline", this.chosen()),
      ),
    )
    this.tools = make(
      "div",
      { class: "gs-tools" },
      this.playButton,
      this.zoomButtons,
      this.showLabel,
      make("label", {}, tr("Sort units by"), " ", this.sort),
      button("gs-png", "PNG", tr("Save the grid as a picture"), () => this.save("png")),
      button("gs-svg", "SVG", tr("Save the grid as a drawing"), () => this.save("svg")),
      this.made,
      button("gs-full", tr("Full screen"), "f", () => this.fullScreen()),
    )
    this.notice = make("p", { class: "gs-notice", test: "gs-notice", role: "status" })
    this.empty = make("p", {
      class: "gs-empty",
      test: "gs-empty",
      text: tr("Type a sentence above, or choose an example."),
      hidden: "",
    })
    this.plot = make("div", { class: "gs-canvas" })
    this.labelLayer = make("div", { class: "gs-layer", "aria-hidden": "true" })
    this.stage = make(
      "div",
      {
        class: "gs-stage",
        test: "gs-stage",
        tabindex: "0",
        role: "slider",
        "aria-label": tr("Time cursor"),
        "aria-valuemin": "1",
      },
      this.plot,
      this.labelLayer,
    )
    this.sheet = make("div", { class: "gs-sheet" }, this.stage) // a slider may hold nothing that has keys of its own
    this.readoutRoot = make("aside", { class: "gs-readout", test: "gs-readout", "aria-label": tr("At the cursor") })
    this.stepButton = button("gs-step", "", tr("Or double-click a cell of the figure"), () => this.openStep())
    this.scales = make("div", { class: "gs-scales" })
    this.tints = make("p", { class: "gs-tints", test: "gs-tints" })
    this.honesty = make("div", { class: "gs-honesty", test: "gs-honesty" })
    this.quiet = make("p", { class: "gs-quiet", test: "gs-quiet" })
    this.summed = make("div", { class: "gs-honesty", test: "gs-summed" })
    this.body = make(
      "div",
      { class: "gs-body" },
      this.sheet,
      this.readoutRoot,
      make("div", { class: "gs-notes" }, this.scales, this.tints, this.summed, this.honesty, this.quiet),
    )
    this.tip = make("div", { class: "gs-tip", role: "tooltip", hidden: "" })
    this.root = make(
      "div",
      { class: "gs-plot", test: "gs-plot", role: "group" },
      make("div", { class: "gs-head" }, this.caption, this.tools),
      this.notice,
      this.empty,
      this.body,
      this.tip,
    )
    this.root.rowsNamed = (row) =>
      (this.panels ?? [])
        .filter((panel) => panel.row === row && !panel.empty)
        .map(({ box }) => ({ stage: this.stage, box }))
    parent.append(this.root)
    this.cut = [] // what is said of a film that shows less than is in view
    this.at = 0
    /** @type {number[]} */
    this.units = []
    this.columns = [] // what stands over each model's panels: words, cursor, title, choice of unit
    this.marks = []
    this.over = [] // frames round the unit under the mouse
    this.repaints = 0
    this.deafen = listen(this)
    this.ready = Promise.all([load("link", "gates.css", import.meta.url), load("script", plotlyUrl)])
    this.observer = new ResizeObserver(() => this.resized())
    this.observer.observe(this.root)
    this.onScreen = () => this.resized()
    window.addEventListener("gs:screen", this.onScreen)
  }

  close() {
    this.play(false)
    clearTimeout(this.telling)
    this.deafen()
    this.observer.disconnect()
    window.removeEventListener("gs:screen", this.onScreen)
    window.Plotly?.purge(this.plot)
    this.root.remove()
  }

  // ---- what the server sent

  async take(content) {
    const before = this.content
    this.content = content
    this.made.hidden = !this.ask
    this.filmButton.textContent = "GIF"
    for (const file of content.files ?? []) keep(file)
    const settings = { ...content.settings, ...kept }
    this.sides = content.sides
    this.count = stepCount(this.sides[0])
    this.rows = new Map(
      content.figure.data
        .filter((one) => one.type === "heatmap")
        .map(({ meta, z }) => {
          const own = z.length - (meta.band ? BAND.length : 0)
          const names = meta.sources ? z.map((_, k) => k) : [...this.sides[meta.side].units.subarray(0, own), ...BAND]
          return [`${meta.side} ${meta.signal}`, new Map(z.map((row, k) => [names[k], row]))]
        }),
    )
    const sameText = before?.text === content.text
    if (!sameText) this.cut = []
    const at = !before ? settings.at : sameText ? toSide([before.sides[0], this.sides[0]], 1, this.at) : -1 // other pieces, the same word; a new text is read to its end
    this.at = clamp(at < 0 ? this.count + at : at, 0, Math.max(0, this.count - 1))
    if (!sameText || stepCount(before.sides[0]) !== this.count) this.window = [0, this.count]
    // A unit that was picked stays while its model does; until then it is the one that decides on this text, which the server knows.
    const wanted = before
      ? this.sides.map((side, k) => (side.model === before.sides[k].model ? this.picked[k] : null))
      : [settings.unit, settings.unit2]
    this.picked = this.sides.map((side, k) =>
      Number.isInteger(wanted[k]) && (side.units.includes(wanted[k]) || this.lacks(k, wanted[k])) ? wanted[k] : null,
    )
    this.units = content.units.map((unit, k) => (this.has(k, this.picked[k]) ? this.picked[k] : unit))
    this.sortBy = before ? this.sortBy : settings.sort
    this.only = before ? this.only : (settings.only ?? null)
    if (!this.sides.some((side) => this.sortBy in side.orders)) this.sortBy = "index"
    this.play(false)
    if (this.picked.some((unit, k) => unit !== null && !this.has(k, unit))) this.wish()
    else if (before) this.address()
    await this.ready
    if (content === this.content) this.render() // the newest wins
  }

  async render() {
    if (!this.content || !window.Plotly) return
    this.size = this.measure()
    this.choosePanels()
    const { text, honesty, quiet, summed, of } = this.content
    this.dark = screen.dark(this.root)
    this.root.classList.toggle("gs-dark", this.dark)
    Object.assign(this.root.dataset, { text, steps: this.count })
    this.say()
    this.honesty.replaceChildren(...honesty.map((one) => make("p", { text: one })))
    this.quiet.textContent = quiet
    this.summed.replaceChildren(...summed.map((one) => make("p", { text: one })))
    const nothing = this.count === 0
    this.empty.hidden = !nothing
    for (const part of [this.body, this.tools, this.caption]) part.hidden = nothing
    if (!nothing) {
      this.place()
      this.drawn = this.figure()
      await window.Plotly.react(this.plot, this.drawn.data, this.drawn.layout, {
        staticPlot: true,
        displayModeBar: false,
        showSendToCloud: false,
      })
      this.decorate()
    }
    this.repaints += 1
    this.root.of = of
    Object.assign(this.root.dataset, { repaints: this.repaints, ready: 1 })
    this.root.dispatchEvent(new CustomEvent("gs:repaint"))
  }

  // What the server has to say, and of a film that it is cut.
  say() {
    const notices = [...this.content.notices, ...this.cut]
    this.notice.textContent = notices.join(" ")
    this.notice.hidden = !notices.length
  }

  // All rows, or one of them alone.
  choosePanels() {
    const { panels, rows, strips } = this.content.figure.layout.meta
    if (!rows.includes(this.only)) this.only = null
    const seen = (row) => !this.only || row === this.only
    this.panels = panels.filter((panel) => seen(panel.row))
    this.seen = { rows: rows.filter(seen), strips: strips.filter(seen) }
  }

  // Sizes: how wide a step is, how the words are drawn, where each panel stands.
  place() {
    const { rows, strips } = this.seen
    const empty = (row, side) => this.panels.some((panel) => panel.row === row && panel.side === side && panel.empty)
    const most = Math.max(0, ...this.panels.filter((panel) => panel.others).map((panel) => this.rowsOf(panel).length))
    const least = screen.presenting() ? ON_THE_WALL : Math.max(40, THICK * most)
    const frame = {
      width: this.stage.clientWidth,
      height: this.room(),
      rows,
      strips,
      sides: this.sides.length,
      empty,
      least,
    }
    labels.fontOf(this.root)
    const { column } = arrange({ ...frame, wordsHeight: 0 })
    this.pitch = this.sides.map((_, k) => {
      const [from, to] = this.view(k)
      return column / Math.max(1, to - from)
    })
    this.plan = labels.plan(this.sides, this.pitch)
    this.geometry = arrange({ ...frame, wordsHeight: this.plan.height })
    for (const panel of this.panels)
      panel.box = this.geometry.boxes.find((box) => box.row === panel.row && box.side === panel.side)
    this.stage.style.height = `${this.geometry.height}px`
  }

  // Plotly's figure for this size, page colour, units and order: one pair of axes, in pixels of the stage, holds every
  // panel, because each further pair costs Plotly more than what it draws. Rows are views: nothing is copied.
  figure() {
    const { figure, dark } = this.content
    const { width, height } = this.geometry
    const bare = { visible: false, fixedrange: true }
    const layout = {
      ...figure.layout,
      ...(this.dark ? dark.layout : {}),
      width,
      height,
      autosize: false,
      xaxis: { ...bare, range: [0, width] },
      yaxis: { ...bare, range: [height, 0] },
    }
    for (const [name, axis] of Object.entries(figure.layout)) {
      if (this.dark && /^coloraxis\d/.test(name))
        layout[name] = { ...axis, colorscale: dark.layout.coloraxis2.colorscale }
    }
    for (const panel of this.panels) if (panel.row === "values") panel.high = this.reach(panel)
    const lines = (one) =>
      this.seen.strips.includes(one.meta.strip) && this.row(one.meta.side, one.meta.signal, this.units[one.meta.side])
    const panel = (one) => this.seen.rows.includes(one.meta.role)
    return {
      data: figure.data
        .filter((one) => (one.type === "heatmap" ? panel(one) : lines(one)))
        .map((one) => (one.type === "heatmap" ? this.heatmap(one) : this.line(one))),
      layout,
    }
  }

  heatmap(one) {
    const { side, signal, role } = one.meta
    const panel = this.panels.find((found) => found.side === side && found.row === role)
    const { box } = panel
    const [from, to] = this.view(side)
    const order = this.rowsOf(panel)
    const [dx, dy] = [this.pitch[side], box.height / order.length]
    return {
      ...one,
      z: Array.from(order, (unit) => this.row(side, signal, unit).subarray(from, to)),
      x0: box.x + dx / 2,
      dx,
      y0: box.y + dy / 2,
      dy,
    }
  }

  // A value is held over the width of its step's cell in the heatmaps.
  line(one) {
    const { side, signal, role, strip } = one.meta
    const panel = this.panels.find((found) => found.side === side && found.row === strip)
    const [from, to] = this.view(side)
    const values = this.row(side, signal, this.units[side])
    const seen = values.subarray(from, to)
    const y = Array.from(seen, (value) => overlay.height(panel, value))
    const color = this.dark ? (this.content.dark.lines[role] ?? one.line.color) : one.line.color
    return {
      ...one,
      values,
      x: Array.from({ length: seen.length + 1 }, (_, k) => panel.box.x + k * this.pitch[side]),
      y: [...y, y.at(-1)],
      line: { ...one.line, color, width: this.pitch[side] < 4 ? 1 : 2 },
    }
  }

  // The largest size of a line in the panel of values, at least 1.
  reach({ side, signals }) {
    return Math.max(
      1,
      ...signals.map((signal) =>
        (this.row(side, signal, this.units[side]) ?? []).reduce((most, v) => Math.max(most, Math.abs(v)), 0),
      ),
    )
  }

  row(side, signal, unit) {
    return this.rows.get(`${side} ${signal}`).get(unit)
  }

  order(side) {
    const { orders } = this.sides[side]
    return orders[this.sortBy] ?? orders.index
  }

  // What the rows of a panel are, from the top: units (a projected h has fewer) and the band of the others, or the steps
  // that were looked back at.
  rowsOf({ side, signal, sources, others }) {
    const rows = this.rows.get(`${side} ${signal}`)
    if (sources) return [...rows.keys()]
    return [...Array.from(this.order(side)).filter((unit) => rows.has(unit)), ...(others ? BAND : [])]
  }

  // Whether a unit has a row.
  has(side, unit) {
    return this.sides[side].units.includes(unit)
  }

  // Whether it has none, and the server, which was not asked for it yet, can give it one.
  lacks(side, unit) {
    const asked = this.content.settings[side ? "unit2" : "unit"]
    return Boolean(this.ask) && unit < this.sides[side].width && unit !== asked
  }

  // Ask for a row of what was picked.
  wish() {
    remember(this.chosen(), this.content.arrival)
    again()
  }

  // The steps in view on a side: zooming narrows the left side's and takes the other's along.
  view(k) {
    const [from, to] = this.window
    if (k === 0) return [from, to]
    return [
      from === 0 ? 0 : toSide(this.sides, k, from),
      to === this.count ? stepCount(this.sides[k]) : toSide(this.sides, k, to - 1) + 1,
    ]
  }

  // In other colours.
  redraw() {
    return this.render()
  }

  // ---- what lies over the plot

  decorate() {
    this.sides.forEach((side, k) => this.head(side, k))
    this.zoomButtons.hidden = this.count < 40
    const orders = new Set(this.sides.flatMap((side) => Object.keys(side.orders)))
    fill(
      this.sort,
      [...orders].map((name) => [name, orderNames()[name] ?? name]),
      this.sortBy,
    )
    const quiet = getComputedStyle(this.root).getPropertyValue("--gs-quiet").trim()
    this.labels = overlay.labels({
      panels: this.panels,
      geometry: this.geometry,
      drawn: this.drawn,
      last: (side) => this.view(side)[1] - 1,
      quiet,
      rows: (panel) => this.rowsOf(panel).length,
      ends: (side) => this.sides[side].named.find((one) => one.unit === this.units[side] && one.high),
    })
    overlay.drawLabels(this.labelLayer, this.labels)
    overlay.legend(this.scales, this.drawn)
    tint.legend(this.tints, this.tintColors())
    this.tints.hidden = !this.sides.some((side) => side.adds)
    this.outline(this.marks, (side) => this.units[side])
    this.hover()
    this.showUnits()
    if (this.parts?.sides.length !== this.sides.length) {
      this.parts = readout.build(this.readoutRoot, this.sides)
      this.parts.at.after(this.stepButton)
    }
    readout.names(
      this.parts,
      this.sides,
      this.units,
      this.drawn.data.filter((one) => one.type === "scatter"),
    )
    this.cursor()
  }

  // Title, choice of unit, words and cursor of one column.
  head(side, k) {
    if (!this.columns[k]) {
      const select = make("select", {
        test: `gs-unit-${k}`,
        "aria-label": k ? tr("Unit of the right model") : tr("Unit of the left model"),
        onchange: () => this.pickUnit(k, Number(select.value)),
      })
      const title = make("div", { class: "gs-column-title" }, make("strong"), make("span"), select)
      const words = make("div", { class: "gs-layer gs-words", test: `gs-words-${k}` })
      const cursor = make("div", { class: "gs-cursor" })
      this.columns[k] = { select, title, words, cursor }
      this.stage.append(words, cursor)
      this.sheet.insertBefore(title, this.stage)
    }
    const { select, title, words, cursor } = this.columns[k]
    const top = this.geometry.tops[k]
    const [from, to] = this.view(k)
    const seen = side.words
      .filter(([, first, last]) => last >= from && first < to)
      .map(([text, first, last, known]) => [text, first - from, last - from, known])
    labels.draw(words, seen, this.plan, top, this.pitch[k], (first) => {
      this.moveTo(fromSide(this.sides, k, first + from))
      this.stage.focus()
    })
    title.children[0].textContent = side.title
    title.children[1].textContent = side.model
    Object.assign(title.style, { left: `${top.left}px`, top: `${top.title}px`, width: `${this.geometry.column}px` })
    const named = side.named.map((one) => [one.unit, readout.unitName(side, one.unit)])
    const option = (unit) => [unit, tr("unit {unit}", { unit })]
    const all = Array.from(this.order(k), option)
    const others = this.ask
      ? Array.from({ length: side.width }, (_, unit) => unit)
          .filter((unit) => !this.has(k, unit))
          .map(option)
      : []
    const groups = [
      [tr("named"), named],
      [others.length ? tr("shown") : tr("all"), all],
      [tr("others"), others],
    ].filter(([, options]) => options.length)
    fill(select, groups.length > 1 ? groups.map(([group, options]) => ({ group, options })) : all, this.units[k])
    Object.assign(cursor.style, {
      top: `${top.top - 2}px`,
      height: `${top.bottom - top.top + 6}px`,
      width: `${Math.max(3, this.pitch[k])}px`,
    })
  }

  // The choice of units that have a row, where a layer has too many for all.
  showUnits() {
    const { count, show } = this.content
    this.showLabel.hidden = !this.ask || !this.sides.some(({ wide }) => wide)
    const widths = [...new Set(this.sides.map(({ width }) => width))].join(" / ")
    fill(
      this.show,
      [
        ["lead", tr("{count} by contribution", { count })],
        ["moved", tr("{count} by movement", { count })],
        ["all", tr("all {count}", { count: widths })],
      ],
      show,
    )
  }

  // Frames round a unit's row in every panel of its side; ``unit(side)`` is none where there is nothing to frame.
  outline(marks, unit, look) {
    overlay.mark(
      marks,
      this.stage,
      this.columns[0].cursor,
      this.panels,
      (panel) => this.rowsOf(panel).indexOf(unit(panel.side)),
      (panel) => this.rowsOf(panel).length,
      look,
    )
  }

  // The unit under the mouse.
  hover(side, unit) {
    const same = this.hovered?.[0] === side && this.hovered?.[1] === unit
    this.hovered = [side, unit]
    if (!same || unit === undefined)
      this.outline(this.over, (one) => (one === side && Number.isInteger(unit) ? unit : undefined), "gs-mark gs-over")
  }

  // Everything that follows the cursor. Nothing here asks Plotly or the server.
  cursor() {
    const steps = this.sides.map((_, k) => toSide(this.sides, k, this.at))
    this.columns.forEach(({ cursor, words }, k) => {
      const shown = steps[k] - this.view(k)[0]
      cursor.style.transform = `translateX(${this.geometry.tops[k].left + shown * this.pitch[k]}px)`
      labels.mark(words, shown)
      const nodes = Array.from(words.children).filter((node) => node.first !== undefined)
      const from = this.view(k)[0]
      const seen = nodes.map(({ first, last }) => ({ first: first + from, last: last + from }))
      tint.tint(nodes, tint.shares(this.sides[k].adds, steps[k], seen), this.tintColors())
    })
    readout.update(this.parts, this.sides, steps, this.at, this.count)
    const word = wordAt(this.sides[0], this.at)[0]
    this.stepButton.textContent = tr("Step by step at “{word}” ›", { word })
    this.stepButton.hidden = !this.ask
    const units = this.sides.map((_, k) => this.tell(k, steps[k]))
    this.caption.textContent = screen.guided()
      ? telling.atWord(this.sides, steps, this.units, (k) => this.values(k, steps[k]))
      : telling.together(units[0], telling.expectation(this.sides, steps))
    const names = list(this.sides.map((_, k) => readout.called(this.sides, k)))
    const about = tr("Gates of {names} on {count} steps.", { names, count: this.count })
    this.root.setAttribute("aria-label", [about, ...units].reduce(telling.together))
    Object.assign(this.root.dataset, {
      step: this.at,
      unit: this.units[0],
      unit2: this.units[1] ?? "",
      sort: this.sortBy,
      only: this.only ?? "",
    })
    this.stage.setAttribute("aria-valuemax", this.count)
    this.stage.setAttribute("aria-valuenow", this.at + 1)
    this.stage.setAttribute(
      "aria-valuetext",
      tr("{word}, step {step} of {count}", {
        word: wordAt(this.sides[0], this.at)[0],
        step: this.at + 1,
        count: this.count,
      }),
    )
    this.root.dispatchEvent(new CustomEvent("gs:cursor"))
  }

  tell(k, at) {
    const { panels } = this.content.figure.layout.meta
    const panel = panels.find((one) => one.side === k && one.row === "keep" && !one.empty)
    const signal = (name, label) => ({ label, values: this.row(k, name, this.units[k]) })
    const { memory } = this.sides[k]
    return telling.unit(
      this.sides,
      k,
      this.units[k],
      panel && signal(panel.signal, panel.label),
      signal(memory, memory),
      at,
    )
  }

  // What the unit's signals are at a step: those of the row that is drawn alone, or its gates and its memory.
  values(k, step) {
    const { memory } = this.sides[k]
    const { data } = this.content.figure
    const gate = ({ row, signal }) =>
      /^\w+$/.test(signal) &&
      data.some((one) => one.meta.side === k && one.meta.role === row && one.coloraxis === "coloraxis") // "1 - z" says what z does
    const told = (panel) =>
      this.only && !this.seen.strips.includes(this.only)
        ? panel.row === this.only
        : gate(panel) || panel.signal === memory
    const panels = this.content.figure.layout.meta.panels.filter(
      (panel) => panel.side === k && panel.kind === "panel" && !panel.empty && !panel.sources && told(panel),
    )
    return panels.flatMap(({ signal, label }) => {
      const value = this.row(k, signal, this.units[k])?.[step]
      return value === undefined ? [] : [{ label, value, memory: signal === memory }]
    })
  }

  // The two ends of the scale of values: against, for.
  tintColors() {
    const { colorscale } = {
      ...this.content.figure.layout.coloraxis2,
      ...(this.dark ? this.content.dark.layout.coloraxis2 : {}),
    }
    return [colorscale.at(0)[1], colorscale.at(-1)[1]]
  }

  // ---- what a visitor does

  // The page "Step by step", at this word and with these units.
  openStep() {
    clearTimeout(this.telling)
    remember(this.chosen(), this.content.arrival)
    const link = document.querySelector(
      '[data-testid=stTopNavLink][href*="/step_by_step"], [data-testid=stSidebarNavLink][href*="/step_by_step"]',
    )
    if (link) return link.click()
    const { origin, pathname, search } = window.location
    window.location.assign(`${origin}${pathname.replace(/\/?$/, "/")}step_by_step${search}`)
  }

  moveTo(step) {
    const next = clamp(step, 0, this.count - 1)
    if (next === this.at) return
    this.at = next
    const [from, to] = this.window
    if (next < from || next >= to) {
      const shift = next < from ? next - from : next - to + 1
      this.window = [from + shift, to + shift]
      this.render()
    } else this.cursor()
    this.address()
  }

  zoom(factor) {
    const [from, to] = this.window
    const width = clamp(Math.round((to - from) * factor), Math.min(8, this.count), this.count)
    const start = clamp(Math.round(this.at - ((this.at - from) / (to - from)) * width), 0, this.count - width)
    this.window = [start, start + width]
    this.render()
  }

  sortUnits(by) {
    this.sortBy = by
    this.render()
    this.address()
  }

  // One row alone, by its place in the grid from 1 on; 0 is the grid.
  pickRow(number) {
    this.only = this.content.figure.layout.meta.rows[number - 1] ?? null
    this.render()
    this.address()
  }

  pickUnit(side, unit) {
    this.picked[side] = unit
    if (!this.has(side, unit)) return this.wish()
    this.units[side] = unit
    this.render()
    this.address()
  }

  stepUnit(by) {
    const order = this.order(0)
    this.pickUnit(0, order[clamp(order.indexOf(this.units[0]) + by, 0, order.length - 1)])
  }

  play(on) {
    clearInterval(this.timer)
    this.timer = null
    if (on) {
      if (this.at >= this.count - 1) this.moveTo(0)
      this.timer = setInterval(() => (this.at < this.count - 1 ? this.moveTo(this.at + 1) : this.play(false)), BEAT)
    }
    this.playButton.textContent = on ? tr("Pause") : tr("Play")
    this.root.dataset.playing = on ? "1" : "0"
  }

  // The address follows, but not at every step of a drag: browsers limit how often it may change.
  address() {
    clearTimeout(this.telling)
    this.telling = setTimeout(() => remember(this.chosen(), this.content.arrival), 200)
  }

  chosen() {
    return {
      at: this.at,
      sort: this.sortBy === "index" ? null : this.sortBy,
      unit: this.picked[0],
      unit2: this.picked[1],
      only: this.only,
    }
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen()
    else this.root.requestFullscreen()
  }

  save(format) {
    return download(format, this.picture([...this.marks, ...this.columns.map((column) => column.cursor)]))
  }

  // What a saved picture is made of, with frames where these elements stand.
  picture(framed) {
    const style = getComputedStyle(this.root)
    const origin = screen.rect(this.stage)
    const frames = framed
      .filter((node) => !node.hidden)
      .map((node) => {
        const { left, top, width, height } = screen.rect(node)
        return { x: left - origin.left, y: top - origin.top, width, height }
      })
    const titles = this.sides.map((side, k) => ({
      x: this.geometry.tops[k].left,
      y: this.geometry.tops[k].title + 8,
      size: 13,
      text: `${side.title}  ${side.model}, ${readout.unitName(side, this.units[k])}`,
    }))
    const words = this.columns.flatMap((column) => labels.asText(column.words, this.plan))
    const page = {
      background: style.getPropertyValue("--st-background-color").trim(),
      ink: style.color,
      font: style.fontFamily,
    }
    return { figure: this.drawn, geometry: this.geometry, labels: [...this.labels, ...titles, ...words], frames, page }
  }

  // The play of what is in view, which the server makes a GIF of; it comes back with the next content.
  async film() {
    const steps = filmed(this.window)
    const [from, to] = this.window
    this.cut =
      steps.length < to - from
        ? [tr("The film shows the first {count} steps in view; zoom in for others.", { count: steps.length })]
        : []
    this.say()
    const tell = (share) => (this.filmButton.textContent = `GIF ${Math.round(100 * share)} %`)
    tell(0)
    const { sides, geometry, pitch } = this
    try {
      const made = await film({
        sides,
        geometry,
        pitch,
        steps,
        beat: BEAT,
        picture: this.picture(this.marks),
        view: (k) => this.view(k),
        tell,
      })
      this.filmButton.textContent = tr("GIF is made …")
      this.ask("film", made)
    } catch {
      this.filmButton.textContent = "GIF"
      this.cut = [tr("This browser could not draw the film.")]
      this.say()
    }
  }

  // ---- the page around

  // Height for the grid: what the window leaves below the sentence, so that the whole grid can be seen at once.
  room() {
    if (this.content.room) return this.content.room
    const full = document.fullscreenElement === this.root
    const scrolled = document.querySelector(".stMain")?.scrollTop ?? window.scrollY
    const top = full ? 60 : screen.rect(this.stage).top + scrolled
    return Math.max(360, screen.height() - Math.min(top, 260) - 8)
  }

  // What it is drawn for.
  measure() {
    const above = this.root.childElementCount // a line for a first visit takes its room
    return `${this.root.clientWidth} ${screen.height()} ${Boolean(document.fullscreenElement)} ${above}`
  }

  resized() {
    // What is not drawn yet will be drawn as large as it is then.
    if (!this.root.isConnected || this.size === undefined || this.measure() === this.size) return
    cancelAnimationFrame(this.frame)
    this.frame = requestAnimationFrame(() => this.render())
  }
}
