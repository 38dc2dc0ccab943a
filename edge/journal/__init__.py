"""The journal: what the edge has taken and the cloud has not yet, safe on disk before anything is
acknowledged."""
