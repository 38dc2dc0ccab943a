"""Who goes: ranks stations, offers the alarm, and follows the offer until somebody has reported."""
