"""Made text: what real text is too short to teach. Two rows in five of phase 2 read it (`phase2.PLAN`); an answer
weighs 10 times as much as a real word (`marked.ANSWER`).

Every sentence is put together at random, from lists of words in `words/` and from real sentences with other names.
"""
