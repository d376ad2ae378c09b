"""What is read, a folder each, and the runner that supervises them."""
