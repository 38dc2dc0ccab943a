"""For who keeps the platform running: metrics, health, and the way of each alarm in the log."""
