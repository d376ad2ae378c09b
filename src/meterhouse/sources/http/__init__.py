"""Meters that answer a web request with a JSON document."""
