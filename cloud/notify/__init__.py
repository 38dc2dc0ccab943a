"""What people outside are told of an alarm: here the resident; channels are one file each."""
