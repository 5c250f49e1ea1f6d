"""The command line ``pyrocketmq``: one file per command, and what all of them share.

Nothing here is imported before a command needs it, so that ``--help`` answers at once.
"""
