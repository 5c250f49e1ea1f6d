"""Apache RocketMQ client for Python with a compiled core."""
