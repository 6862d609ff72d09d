"""The glossary: each term that the pages use, in a sentence or two; and which of them a page uses."""

from __future__ import annotations

from dashboard.language import mark

TERMS = {
    "token": (
        mark("token"),
        mark(
            "What is read in one step: a word, a piece of a word, a mark, in Chinese a character. ↵ is the end of a "
            "text; the models of English and Chinese read one before every text."
        ),
    ),
    "unit": (
        mark("unit"),
        mark(
            "One place of a layer. It has its own value of every gate and its own memory, and is a row of every panel."
        ),
    ),
    "gate": (
        mark("gate"),
        mark(
            "A value between 0, shut, and 1, open, that multiplies what passes. It is computed from the word and from "
            "the state before it, by a sigmoid."
        ),
    ),
    "forget": (
        mark("forget gate"),
        mark(
            "f, of the LSTM: what share of the old cell state is kept. At 1 nothing is forgotten, at 0 everything is."
        ),
    ),
    "input": (mark("input gate"), mark("i, of the LSTM: what share of the candidate is added to the cell state.")),
    "output": (
        mark("output gate"),
        mark("o, of the LSTM: what share of the memory the unit shows to everything outside, as its hidden state."),
    ),
    "update": (
        mark("update gate"),
        mark(
            "z, of the GRU: what share of the old state is kept; 1 \N{MINUS SIGN} z is written. Many papers use z the "
            "other way."
        ),
    ),
    "release": (
        mark("letting go"),
        mark(
            "A unit lets go at a word if it held something before it (at least a quarter of the most that it holds in "
            "the text), its f, in the GRU its z, is below 0.5, and less than half of what it held is left afterwards. "
            "The gate alone may also be below 0.5 where nothing was held, or where the same is written again."
        ),
    ),
    "reset": (mark("reset gate"), mark("r, of the GRU: how much of the old state the candidate gets to see.")),
    "candidate": (
        mark("candidate"),
        mark("g in the LSTM, n in the GRU: what could be written at this word, between −1 and 1."),
    ),
    "cell": (
        mark("cell state"),
        mark("c: the LSTM's memory. From word to word it is only multiplied by f and added to, so it can last long."),
    ),
    "hidden": (
        mark("hidden state"),
        mark("h: what a unit shows to the next step and to the output layer. In the GRU it is the memory as well."),
    ),
    "rnn": (
        mark("plain RNN"),
        mark("A recurrent network without gates: it computes its whole state anew at every word."),
    ),
    "softmax": (
        mark("softmax"),
        mark("Makes shares of the scores of all words: e to each score, divided by the sum. They add up to 1."),
    ),
    "gradient": (
        mark("gradient"),
        mark("How much the error at one word changes with a value at another: what learning passes back."),
    ),
    "vanishing": (
        mark("vanishing gradient"),
        mark("The gradient shrinks at every step back, until what was read early teaches the network nothing."),
    ),
    "intervention": (
        mark("intervention"),
        mark("A value is held by hand and the network runs on: what changes then was caused by that value."),
    ),
    "saturated": (
        mark("saturated gate"),
        mark("A gate that stays at 0 or at 1 whatever is read. It decides nothing, and it learns hardly anything."),
    ),
    "auc": (
        mark("AUC"),
        mark(
            "How often a value is higher at a word of one kind than at one of the other: 1 or 0 tells them apart "
            "always, 0.5 is chance."
        ),
    ),
    "moved": (
        mark("moved labels"),
        mark("Labels moved along the text, so that they fit no word any more: what is reached then is chance."),
    ),
    "timescale": (
        mark("timescale"),
        mark("For how many steps a memory lasts: after so many, little of what was written is left."),
    ),
    "attention": (
        mark("attention"),
        mark("Shares that add up to 1 and say how much each earlier state counts when the network looks back."),
    ),
    "latent": (
        mark("latent variable"),
        mark(
            "z, of the networks that draw and imagine: a few numbers, drawn at random at every step, that say what to "
            "make. The prior is how they lie before what is copied is seen, the posterior how they lie after it. The "
            "GRU's z is another."
        ),
    ),
    "nat": (
        mark("nat"),
        mark("A measure of information, 1.44 bits. So much z is told: how far its posterior lies from its prior."),
    ),
}

USED = {
    "step_by_step": (
        "gate",
        "forget",
        "input",
        "output",
        "update",
        "release",
        "reset",
        "candidate",
        "cell",
        "hidden",
        "softmax",
    ),
    "memory": ("unit", "cell", "hidden", "forget", "release", "input", "candidate", "timescale", "rnn"),
    "what_if": ("intervention", "unit", "gate", "release", "cell", "hidden"),
    "gradients": ("gradient", "vanishing", "cell", "hidden", "forget", "rnn"),
    "compare": ("gate", "unit", "hidden"),
    "contrast": ("unit", "gate", "cell", "hidden"),
    "health": ("saturated", "unit", "gate", "vanishing"),
    "corpus": ("token", "unit", "auc", "moved", "timescale", "gate", "forget", "update", "cell", "hidden", "saturated"),
    "beyond": ("attention", "latent", "nat", "gate", "forget", "input", "output", "candidate", "cell", "hidden"),
    "experiments": ("unit", "forget", "input", "output", "cell", "rnn", "vanishing"),
}
"""By page; on the first page all of them stand below the article."""
