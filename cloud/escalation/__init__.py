"""Who is told, and when, while nobody has taken an alarm."""
