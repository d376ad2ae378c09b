"""What was used by whom: integrate, attribute, cover; pure arithmetic at its heart."""
