"""Builds an immutable, content-hashed folder from the collected records, and exports its files."""
