// Plotly reads a little markup in its texts; what a visitor wrote is none.

/** @type {(text: string) => string} */
export const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

/** @type {(text: string) => string} */
export const plain = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&")
