"""Meterhouse: what clouds use and draw, who owned it, proved and reported."""

__version__ = "0.1.0"
