"""A Watts up? PRO wattmeter on a serial port."""
