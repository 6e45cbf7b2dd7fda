"""Queries for lineage: what an id names, and the neighbours of each step. Reads only, keyword-only."""
