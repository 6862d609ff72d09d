"""Other people's models as layers of (cell, parameters)."""
