"""The way up: says every row to the cloud until the cloud's own acknowledgement comes back."""
