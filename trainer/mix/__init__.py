"""General conversations among what a run learns from, so that it forgets less of what the base can do."""
