"""What is there of each tag and source, what came of it, and what to collect next."""
