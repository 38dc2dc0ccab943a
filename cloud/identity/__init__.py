"""Who somebody is, what they may do and where, and whether they are on shift."""
