"""The platform: takes in what homes send, decides what is an alarm, and brings a person to it."""
