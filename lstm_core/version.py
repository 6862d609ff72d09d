"""The version, which files that are written note."""

VERSION = "0.1.0"
