"""Kwapi's drivers, heard on Kwapi's own wire."""
