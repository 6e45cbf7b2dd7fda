"""Child processes of this service: one way to start, watch, end and restart them."""
