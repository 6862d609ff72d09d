// What a paint need not wait for is done after it, piece by piece, so that a key may come between; what is asked for next
// takes the place of what was not done yet.
export class After {
  frame = 0

  /** @param {(() => void)[]} pieces */
  paint(pieces) {
    this.stop()
    if (pieces.length) this.frame = requestAnimationFrame(() => this.go(pieces))
  }

  /** @param {(() => void)[]} pieces */
  go([piece, ...others]) {
    this.pause = setTimeout(() => {
      if (others.length) this.go(others)
      piece() // which may ask for others
    })
  }

  stop() {
    cancelAnimationFrame(this.frame)
    clearTimeout(this.pause)
  }
}
