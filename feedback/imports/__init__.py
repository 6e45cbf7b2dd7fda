"""Ways in for records besides the command: what an app pushes, an upload, a watched folder."""
