"""States and samples over time. Two stores behind one port; alarms and events live elsewhere."""
