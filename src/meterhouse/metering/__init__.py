"""The words: what is measured, on what, when, in which unit, and how that can fail.

Everything else imports this room; it imports nothing but the standard library and numpy.
"""
