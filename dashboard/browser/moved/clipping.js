// The wall of an exploding gradient: a recurrent network of one unit and one weight, x_t = w sigma(x_{t-1}) + b, whose error
// after fifty steps has a cliff in w (Pascanu, Mikolov & Bengio, "On the difficulty of training recurrent neural
// networks", ICML 2013, section 2.3 and figure 6).

export const [FROM, TO, STEPS, BIAS, WANTED] = [3, 7, 50, -2.4, 0.7]

const sigma = (/** @type {number} */ x) => 1 / (1 + Math.exp(-x))

// The error at a weight, and its derivative by the weight, carried along with the state.
/** @param {number} w @returns {{ error: number, gradient: number }} */
export function error(w) {
  let [x, slope] = [0, 0]
  for (let t = 0; t < STEPS; t++) {
    const shown = sigma(x)
    slope = shown + w * shown * (1 - shown) * slope
    x = w * shown + BIAS
  }
  const shown = sigma(x)
  return { error: (shown - WANTED) ** 2, gradient: 2 * (shown - WANTED) * shown * (1 - shown) * slope }
}

// Where a step of gradient descent leads, as it is and with the gradient clipped to a size.
/** @param {number} w @param {number} rate @param {number} most */
export function steps(w, rate, most) {
  const { gradient } = error(w)
  const clipped = Math.max(-most, Math.min(most, gradient))
  return { gradient, plain: w - rate * gradient, clipped: w - rate * clipped }
}
