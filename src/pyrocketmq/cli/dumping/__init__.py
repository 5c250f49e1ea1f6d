"""What ``pyrocketmq dump`` is made of: cutting streams, telling frames, passing them on."""
