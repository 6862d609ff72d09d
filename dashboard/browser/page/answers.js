// Who answers in this browser what is typed, before the server does: a figure whose models it can run.

/** @typedef {{ answer(text: string): boolean, able(): boolean, fits(text: string): boolean }} Answerer */

/** @type {Answerer | null} */
let answerer = null

/** @param {Answerer} one */
export const use = (one) => {
  answerer = one
}

/** @param {Answerer} one */
export const leave = (one) => {
  if (answerer === one) answerer = null
}

// Whether the models that are shown will read this text, too; the server has the last word.
/** @param {string} text */
export const fits = (text) => answerer?.fits(text) ?? true

// Whether this text is drawn here at once.
/** @param {string} text */
export const answered = (text) => answerer?.answer(text) ?? false

// Whether what is typed would be.
export const able = () => answerer?.able() ?? false
