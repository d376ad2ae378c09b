"""What each ``meterhouse`` subcommand does, a module each."""
