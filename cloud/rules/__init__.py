"""What counts as an alarm: rules in sentences, and the engine that follows them. Knows no
alarms."""
