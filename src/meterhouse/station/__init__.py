"""What runs beside the meters: reading, journalling, publishing and forwarding, without Django.

A machine at a remote site needs no database: it reads what its file names, keeps it in a journal,
and a house far away records it. A house uses the same parts.
"""
