"""A document to hand over and to keep."""
