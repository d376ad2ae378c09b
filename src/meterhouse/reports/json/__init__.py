"""Everything a report knows, for programs."""
