"""The sub-commands of `rejoinder`, one file each, and the few parts they share (frame, errors, store,
deployer, instance, checks). up/ holds the one that starts and keeps everything.
"""
