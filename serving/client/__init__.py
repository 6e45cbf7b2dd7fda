"""Engines over HTTP: one client, several as one fleet, a fake one, and where they listen."""
