// Colour scales as Plotly writes them ([[0, "#..."], ...]), read in the browser.
const channels = (color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16))

export function colorOf(scale, share) {
  const at = Math.max(0, Math.min(1, share))
  let k = 1
  while (k < scale.length - 1 && scale[k][0] < at) k++
  const [[low, from], [high, to]] = [scale[k - 1], scale[k]]
  const part = (at - low) / (high - low)
  const [a, b] = [channels(from), channels(to)]
  return `rgb(${a.map((v, c) => Math.round(v + part * (b[c] - v))).join(",")})`
}

// Black or white, whichever can be read on the colour.
export function inkOn(color) {
  const [r, g, b] = color.match(/\d+/g).map((v) => (v / 255) ** 2.2)
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.3 ? "#16191d" : "#ffffff"
}
