"""The general models: small language models of English and Chinese that have read real text."""
