"""The services of a house: collector, recorder, keeper, web; and what supervises them."""
