"""What ``pyrocketmq doctor`` is made of: one server's examination, the cluster's, and what was found."""
