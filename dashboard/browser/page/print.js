// Paper is narrower than a window: a page is printed as it stands on the screen, made smaller until it fits.
const MARGIN = 10 // millimetres
const A4 = { portrait: 210, landscape: 297 }
const INCH = 25.4
const LOOSE = 0.98 // a figure that is drawn again for paper is a few pixels wider

/**
 * How much smaller a window of that width has to be on paper, by its direction; never larger.
 * @param {number} width
 * @returns {Record<string, number>}
 */
export function smaller(width) {
  /** @param {number} side */
  const share = (side) => Math.min(1, (LOOSE * (side - 2 * MARGIN) * 96) / INCH / width)
  return Object.fromEntries(Object.entries(A4).map(([name, side]) => [name, share(side)]))
}

// Keep what page.css uses when it prints. The window has no width of its own while it does.
export function fitPaper(root = document.documentElement) {
  const set = () => {
    if (window.matchMedia("print").matches) return
    for (const [name, share] of Object.entries(smaller(window.innerWidth)))
      root.style.setProperty(`--gs-${name}`, share.toFixed(4))
  }
  set()
  window.addEventListener("resize", set)
  return () => window.removeEventListener("resize", set)
}
