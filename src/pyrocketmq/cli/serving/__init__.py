"""What ``pyrocketmq serve`` is made of: looking at a running server, and showing what was seen."""
