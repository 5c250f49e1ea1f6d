"""A second codec of the RocketMQ remoting protocol in plain Python: slow, obvious, made from the notes alone.

It exists to be compared with the compiled one, so it must not import anything of the package.
"""
