"""Made text: what real text is too short to teach. A few per cent of what phase 2 reads; an answer weighs at most 3.

Every sentence is put together at random, from lists of words in `words/` and from real sentences with other names.
"""
