"""Datasets: builds an immutable, content-hashed folder from the collected records, and exports it as a
file.
"""
