"""A Ganeti cluster: its instances and nodes, what they have, and whose they are."""
