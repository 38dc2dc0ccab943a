"""How long the way is. WGS-84 everywhere."""
