"""Tables and append functions of what must commit together with the state it belongs to: timers,
outbox, feed, and what has been received."""
