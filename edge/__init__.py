"""What runs in the home: hears devices, keeps what they say, and sends it to the cloud."""
