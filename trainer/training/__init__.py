"""A dataset becomes an adapter: the loop, its checkpoints and what watches it."""
