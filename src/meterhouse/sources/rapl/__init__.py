"""RAPL of this machine: what its processors and memory draw, every second."""
