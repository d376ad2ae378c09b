"""Energy meters read over Modbus TCP, one or many behind a gateway."""
