// The whole grid as one PNG or SVG: Plotly's figure with the page's labels as annotations and its frames as shapes.
const PAD = 10

export async function download(format, figure, geometry, labels, frames, { background, ink }) {
  const width = geometry.width + 2 * PAD
  const height = geometry.height + 2 * PAD
  const across = (x) => x / geometry.width
  const up = (y) => 1 - y / geometry.height
  const layout = {
    ...figure.layout,
    width,
    height,
    margin: { l: PAD, r: PAD, t: PAD, b: PAD, pad: 0 },
    paper_bgcolor: background,
    annotations: labels.map((label) => ({
      xref: "paper",
      yref: "paper",
      x: across(label.x),
      y: up(label.y),
      text: escape(label.text),
      showarrow: false,
      borderpad: 0,
      textangle: label.angle ?? 0,
      xanchor: label.anchor ?? "left",
      yanchor: label.vertical ?? "middle",
      font: { size: label.size ?? 12, color: label.color ?? ink },
    })),
    shapes: frames.map((box) => ({
      type: "rect",
      xref: "paper",
      yref: "paper",
      x0: across(box.x),
      x1: across(box.x + box.width),
      y0: up(box.y),
      y1: up(box.y + box.height),
      line: { width: 1, color: ink },
    })),
  }
  const scale = format === "png" ? 2 : 1
  await window.Plotly.downloadImage({ data: figure.data, layout, config: { staticPlot: true } }, { format, width, height, scale, filename: "gatescope" })
}

// Plotly reads a little markup in its texts.
const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
