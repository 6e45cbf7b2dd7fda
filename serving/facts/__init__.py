"""Facts about a base model, read once from its files and from the source of the installed libraries, before
anything is loaded.
"""
