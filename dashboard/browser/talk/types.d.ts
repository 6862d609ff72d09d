// What dashboard/talk sends.

/** A tour as the menu offers it. ``stops``: how many. */
export interface Offer {
  name: string
  title: string
  stops: number
  minutes: number
}

/** What a stop rings and presses, in the words of dashboard/tours.py. */
export interface Ringed {
  link: string
  at: number
  ring: string[]
  press: string[]
}

/** A tour's stop: which of how many, and the page that it is on. */
export interface Stop extends Ringed {
  title: string
  count: number
  line: string
  page: string
  first: boolean
  arrival: number
}

export interface Talk {
  tour: Stop | null
  tours: Offer[]
  page: string
}
