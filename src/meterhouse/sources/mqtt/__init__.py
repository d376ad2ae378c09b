"""Meters that publish to an MQTT broker."""
