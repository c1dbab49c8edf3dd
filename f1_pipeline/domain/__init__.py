"""The rules of the sport as data."""
