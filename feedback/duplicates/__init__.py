"""Finds copies and near-duplicates in texts. It knows neither the store nor a dataset's files."""
