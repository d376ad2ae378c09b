"""What UPSes and PDUs deliver, as Network UPS Tools knows it."""
