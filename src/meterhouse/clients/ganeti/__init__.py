"""A Ganeti cluster's remote API (RAPI), spoken over HTTPS on port 5080.

Where nothing else is named, facts about RAPI come from Ganeti's doc/rapi.rst and from watching
Ganeti 3.0.2 (Debian 12) answer.
"""
