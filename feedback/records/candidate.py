"""Constants for a candidate: the arm that wrote it, and whether it can be shown."""

BASE = "base"
TUNED = "tuned"
BOTH = "both"

READY = "ready"
UNAVAILABLE = "unavailable"
MERGED = "merged"
