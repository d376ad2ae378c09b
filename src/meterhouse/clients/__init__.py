"""Remote APIs spoken plainly, a folder each."""
