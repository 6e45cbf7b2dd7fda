"""The web side of Rejoinder: store, capture API, suggestions, workbench, chat and console."""
