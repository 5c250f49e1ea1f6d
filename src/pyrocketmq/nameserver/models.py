"""What name servers answer, under the name that the founding API gives this module."""

from __future__ import annotations

from pyrocketmq.model.route import (
    BrokerData,
    BrokerMemberGroup,
    ClusterInfo,
    QueueData,
    RouteData,
    TopicRouteData,
)
from pyrocketmq.model.topic_data import TopicList

__all__ = [
    "BrokerData",
    "BrokerMemberGroup",
    "ClusterInfo",
    "QueueData",
    "RouteData",
    "TopicList",
    "TopicRouteData",
]
