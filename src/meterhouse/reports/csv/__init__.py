"""One table, for spreadsheets and programs that read tables."""
