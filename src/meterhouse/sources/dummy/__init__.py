"""Wattmeters that are not there, for trying things out."""
