"""The reader of vocabularies, where it was before it moved to the library."""

from lstm_core.files.vocabulary import from_entries, read

__all__ = ["from_entries", "read"]
