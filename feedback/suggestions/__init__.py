"""Prepares the suggestion sets of a desk."""
