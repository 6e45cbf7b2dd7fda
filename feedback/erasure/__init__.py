"""Erasing a customer: rows, then files, then a proof of what was done and what could not be."""
