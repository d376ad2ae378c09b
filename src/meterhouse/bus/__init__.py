"""How batches travel: envelope, signature, journal and replay, publish, subscribe, forward.

It runs without Django and without a database, and is the only room that knows ZeroMQ.
docs/wire.md draws what goes over the wire.
"""
