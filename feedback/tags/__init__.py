"""Tags as a tree that a desk agrees on, above the strings that conversations and records came with.

Pure: what a string means, how a tree changes, which words of a message propose a tag. Kept by
`feedback/store/tags.py`. Stored strings are never rewritten: an alias says which tag one means.
"""
