"""Adapters from check to unload: what the files hold, whether they change replies, what serves."""
