// What a visitor chooses is told to the server. Its answers to older choices may come later: they do not undo a newer one.
let count = Date.now() // unlike any number that this session has heard from a page before

/** @template Value */
export class Choice {
  /** @type {number | null} the newest choice's, until an answer knows of it */
  waits = null
  /** @type {(told: { value: Value, number: number }) => void} */
  tell = () => {} // to the server, once there is a way

  /** @param {Value} value */
  make(value) {
    this.waits = ++count
    this.tell({ value, number: this.waits })
  }

  // Whether what an answer says holds. ``heard``: the number of the newest choice that it knows of.
  /** @param {number | null} [heard] */
  answered(heard) {
    if (heard === this.waits) this.forget()
    return this.waits === null
  }

  // What it was about is no more.
  forget() {
    this.waits = null
  }
}
