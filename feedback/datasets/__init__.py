"""Datasets: what was collected becomes an immutable, content-hashed folder, and leaves as a file."""
