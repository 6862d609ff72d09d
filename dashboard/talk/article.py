"""What gates are for: the problem, the belt, three gates on one sentence, how to read the colours.

In braces stand terms of the glossary.
"""

from __future__ import annotations

from dashboard.language import mark

ARTICLE = (
    (
        mark("Why gates?"),
        mark(
            "To know what comes next in a sentence one must remember what came before it, sometimes long before: in "
            "“I grew up in France …, I speak fluent …” the word that decides may stand a paragraph back. A {rnn} "
            "computes its whole state anew at every word, so what it read is soon mixed with all that came after. And "
            "while it learns, the error that should reach the early word shrinks at every step on its way back: the "
            "{vanishing}."
        ),
    ),
    (
        mark("The conveyor belt"),
        mark(
            "An LSTM keeps a second state, the {cell} c. It runs along the sentence like a conveyor belt: at each "
            "word it is only multiplied by a number between 0 and 1, and something is added. Where that number is 1, "
            "what lies on the belt stays as it is, over any distance, and the {gradient} travels back just as easily."
        ),
    ),
    (
        mark("Three gates on one sentence"),
        mark(
            "What is taken off the belt, put on it and shown is decided by a {gate} each, with a value of its own for "
            "every {unit}. In “Mary went to the market because she was hungry. Then John met Anna and he” one unit "
            "holds the gender of the subject:"
        ),
    ),
    (
        "",
        mark(
            "A GRU makes do with two gates and one state, the {hidden}: its {update}, z, keeps and writes at once, "
            "and its {reset}, r, says how much of the old state the candidate sees."
        ),
    ),
    (
        mark("How to read the colours"),
        mark(
            "Each column is a {token}, each row of a panel a unit. A gate is pale where it is shut and dark blue "
            "where it is open (on a dark page dark and bright). States and candidates are purple above zero, orange "
            "below, and colourless at zero. A sign means nothing by itself: beside a unit with a name stands what its "
            "two ends mean. The words are tinted by what each adds to the likeliest next word: purple for it, orange "
            "against it. That a unit holds something does not yet make it the cause; the page What if asks for that."
        ),
    ),
)
"""Headings and paragraphs; what the gates do stands behind the third."""

GATES = {
    "forget": mark(
        "The {forget}, f, says what share of the memory stays. From Mary on it is close to 1; at John, the new "
        "subject, it falls, and what Mary wrote is let go."
    ),
    "input": mark(
        "The {input}, i, says how much is written, and the {candidate}, g, what. It opens at Mary and at John, and "
        "stays nearly shut at Anna, who is met but is not the subject."
    ),
    "output": mark(
        "The {output}, o, says how much of the memory is shown. It opens at “because” and at “and”, where “he” or "
        "“she” can follow; at “the”, “was” and “he” it is nearly shut, and the memory stays inside."
    ),
}
"""What each gate of the LSTM does on the sentence that a visitor sees first."""
ROWS = {"forget": "keep", "input": "write", "output": "expose"}
STEPS = {"en": {"forget": 11, "input": 0, "output": 14}, "zh": {"forget": 18, "input": 3, "output": 11}}
"""By language, the words of that sentence at which to look."""
