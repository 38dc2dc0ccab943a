"""The live feed: what changes, to everybody who may see it, in order and without holes."""
