"""What the design's budgets say, measured: ``make bench``, each module of this folder in turn."""
