"""A torch module -> its trace, with the proof that it is the module's own run. Importing this package imports torch."""
