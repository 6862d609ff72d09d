// Dropout between layers and not along time: how much of what was read so many steps ago arrives at the output.
// Zaremba, Sutskever & Vinyals, "Recurrent neural network regularization", 2014 (arXiv 1409.2329), section 3.2: it
// passes L + 1 dropouts however far back it lies, where L is the number of layers.

export const LAYERS = 2

// How many dropouts stand on the way, and the share of the ways that none of them cuts.
/** @param {number} rate @param {number} back steps @param {boolean} along time as well */
export function arrives(rate, back, along) {
  const passed = LAYERS + 1 + (along ? back : 0)
  return { passed, share: (1 - rate) ** passed }
}
