"""The creators of requests, by theme; ``pyrocketmq.model.factory`` joins them into one class."""
