"""Gateways as machines: who they are, how they come to be trusted, how that ends."""
