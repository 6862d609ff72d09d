// The figure as a picture, and its play as a film.
import { unitName } from "../page/naming.js"
import { perCent } from "../page/numbers.js"
import * as screen from "../page/screen.js"
import { tr } from "../page/words.js"
import { fitting } from "./below.js"
import { called } from "./clauses.js"
import { film, filmed } from "./film.js"
import * as labels from "./labels.js"
import { tintColors } from "./over.js"
import * as overlay from "./overlay.js"
import { meanings } from "./tint.js"

/** @import { Figure } from "./gates.js" */
/** @import { Picture } from "./types.d.ts" */

// What a saved picture is made of, with frames where these elements stand; nothing where nothing is drawn. ``here``: whether
// it is of the cursor's place, of which the tints are.
/** @param {Figure} figure @param {HTMLElement[]} framed @param {boolean} here @returns {Picture | undefined} */
function picture({ root, stage, sides, units, columns, drawn }, framed, here) {
  if (!drawn) return undefined
  const style = getComputedStyle(root)
  const origin = screen.rect(stage)
  const frames = framed
    .filter((node) => !node.hidden)
    .map((node) => {
      const { left, top, width, height } = screen.rect(node)
      return { x: left - origin.left, y: top - origin.top, width, height }
    })
  const { narrow, width, column, tops } = drawn.geometry
  const titles = sides.map((side, k) => {
    const unit = `${tr(", ")}${unitName(side, units[k])}`
    const texts = [`${side.title}  ${side.model}${unit}`, `${side.title}${unit}`]
    return {
      x: tops[k].left,
      y: tops[k].title + 8,
      size: 13,
      text: fitting(texts, narrow ? width - tops[k].left : column),
    }
  })
  const words = columns.flatMap((column) => labels.asText(column.words, drawn.plan, here))
  const background = style.getPropertyValue("--st-background-color").trim()
  const page = { background, ink: style.color, font: style.fontFamily }
  return { ...drawn, labels: [...drawn.labels, ...titles, ...words], frames, page }
}

// The same with what is said and what the colours mean, as a slide needs it; for a film, whose cursors move, without what is
// said and tinted at the cursor.
/** @param {Figure} figure @param {HTMLElement[]} framed @param {boolean} [here] @returns {Picture | undefined} */
export function whole(figure, framed, here = true) {
  const shown = picture(figure, framed, here)
  const { content, el, sides } = figure
  if (!shown || !content) return undefined
  const scales = overlay.scales(shown.figure, (side) => called(sides, side))
  const tinted = here && sides.some((side) => side.adds)
  const below = {
    text: here ? (el.caption.textContent ?? "") : "",
    tints: tinted ? meanings(tintColors(figure, content)) : undefined,
    scales: scales.map(({ colors, range, letters }) => ({ colors, text: `${range}  ${letters}` })),
  }
  return { ...shown, below }
}

// The play of what is in view, which the server makes a GIF of; it comes back with the next content. ``beat``: milliseconds
// a step.
/** @param {Figure} figure @param {number} beat */
export async function play(figure, beat) {
  const { sides, pitch, drawn } = figure
  const { film: button } = figure.el.tools
  const shown = whole(figure, figure.marks, false) // what is expected stands above each step
  if (!drawn || !shown) return
  const steps = filmed(figure.window)
  const [from, to] = figure.window
  const few = tr("The film shows the first {count} steps in view; zoom in for others.", { count: steps.length })
  figure.say(steps.length < to - from ? [few] : [])
  const tell = (/** @type {number} */ share) => void (button.textContent = `GIF ${perCent(Math.round(100 * share))}`)
  tell(0)
  const view = (/** @type {number} */ k) => figure.view(k)
  try {
    const made = await film({ sides, geometry: drawn.geometry, pitch, steps, beat, picture: shown, view, tell })
    button.textContent = tr("GIF is made …")
    figure.ask?.("film", made)
  } catch {
    button.textContent = "GIF"
    const failed = tr("This browser could not draw the film.")
    figure.say([failed])
  }
}
