"""The strong model that may help people label: asked over HTTP, each request a row, off unless it is set."""
