"""The command line ``flaxfile``, also called ``ff``: one file for a kind of commands, and what all share.

Nothing here is imported before a command needs it, so that small transfers are quick.
"""
