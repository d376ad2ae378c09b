"""Usage on paper, a folder a format."""
