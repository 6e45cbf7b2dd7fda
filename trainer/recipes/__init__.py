"""Recipes (training configurations): the YAML files that are shipped, and what a recipe may say."""
