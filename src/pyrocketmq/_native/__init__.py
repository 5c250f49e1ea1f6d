"""The compiled core. Sources are in csrc/pyrocketmq/_native; this package only holds what they build."""
