"""What is known of a source by rules alone: its kind, and its grade. Reads no store."""
