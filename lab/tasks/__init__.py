"""What the networks learn from: texts made from templates and word lists, and strings; none of it needs torch."""
