"""What the trainer does by itself, and when."""
