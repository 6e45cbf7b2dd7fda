"""The sub-commands of `rejoinder`, one file each, and the few parts they share (frame, steps, children,
instance, checks).
"""
