"""Usage on a screen: latest values and graphs."""
