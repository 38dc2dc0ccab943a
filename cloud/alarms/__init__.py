"""Alarms: cases that a person must handle. Their states, what repeats fold into, their history."""
