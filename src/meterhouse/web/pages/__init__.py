"""The pages. Each shows what its reader has a right to see, and changes nothing by GET."""
