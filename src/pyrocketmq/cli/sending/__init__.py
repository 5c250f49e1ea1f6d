"""What ``pyrocketmq send`` is made of; each module says what it does."""
