"""Suggestion sets: which replies are drawn for a turn, by whom, and how they are kept blind."""
