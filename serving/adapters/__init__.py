"""Adapters from check to unload: checking their files, probing that an engine computes them right, what
serves.
"""
