"""What ``pyrocketmq bench`` measures with, draws and compares; each module says what it does."""
