"""How the networks learn: with PyTorch (`loop`, `small`), or in NumPy while somebody watches (`descent`, `live`)."""
