"""How batches travel: envelope, signature, journal and replay, publish, follow, forward."""
