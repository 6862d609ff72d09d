"""What the page "Beyond" shows: one module a network, each with a function ``show``."""
