"""Tests against real Apache RocketMQ servers, which the launcher in tools/rocketmq starts and stops."""
