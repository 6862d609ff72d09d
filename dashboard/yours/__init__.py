"""A visitor's own model: it lives in the visitor's session and is loaded only where it is chosen."""
