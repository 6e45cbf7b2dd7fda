"""The sub-commands of `rejoinder`, one file each, and the parts that they share (frame, errors, store,
deployer, instance, checks). up/ has the command that starts and supervises all processes.
"""
