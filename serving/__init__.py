"""The model server and everything said to it: settings, the engine process, prompts, adapters, clients.

Knows names, paths and HTTP; never the database, never `feedback` or `trainer`.
"""
