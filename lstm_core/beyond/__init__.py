"""Networks of which the recurrent one is a part: it looks at a picture, draws, or imagines. They run in NumPy."""
