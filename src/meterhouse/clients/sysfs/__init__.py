"""What the kernel says in files under /sys: a number or a name a file, in units of its own."""
