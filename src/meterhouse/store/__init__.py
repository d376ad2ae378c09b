"""Where samples rest: head, blocks, granularities, retention, reading."""
