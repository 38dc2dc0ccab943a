"""What runs by itself: durable timers, the outbox, housekeeping."""
