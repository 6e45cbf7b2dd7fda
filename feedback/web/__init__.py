"""What stands around the web's requests."""
