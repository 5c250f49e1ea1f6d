"""Headers between servers: controllers, replicas, high availability.

No client sends them; they are declared so that such frames can be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.model.enums import RequestCode
from pyrocketmq.model.headers.base import Header

if TYPE_CHECKING:
    from pyrocketmq.model.headers.kinds import I32, I64

__all__ = [
    "AddBrokerRequestHeader",
    "AlterSyncStateSetRequestHeader",
    "AlterSyncStateSetResponseHeader",
    "ApplyBrokerIdRequestHeader",
    "ApplyBrokerIdResponseHeader",
    "CleanControllerBrokerDataRequestHeader",
    "ElectMasterRequestHeader",
    "ElectMasterResponseHeader",
    "ExchangeHAInfoRequestHeader",
    "ExchangeHAInfoResponseHeader",
    "GetMetaDataResponseHeader",
    "GetNextBrokerIdRequestHeader",
    "GetNextBrokerIdResponseHeader",
    "GetReplicaInfoRequestHeader",
    "GetReplicaInfoResponseHeader",
    "NotifyBrokerRoleChangedRequestHeader",
    "NotifyMinBrokerIdChangeRequestHeader",
    "RegisterBrokerToControllerRequestHeader",
    "RegisterBrokerToControllerResponseHeader",
    "RemoveBrokerRequestHeader",
    "ResetMasterFlushOffsetHeader",
]


class AlterSyncStateSetRequestHeader(Header):
    """Change the set of replicas in step."""

    CODE = RequestCode.CONTROLLER_ALTER_SYNC_STATE_SET

    broker_name: str | None = None
    master_broker_id: I64 | None = None
    master_epoch: I32 | None = None
    invoke_time: I64 | None = None


class AlterSyncStateSetResponseHeader(Header):
    """Epoch of the new set of replicas in step."""

    new_sync_state_set_epoch: I32 | None = None


class ElectMasterRequestHeader(Header):
    """Elect a master."""

    CODE = RequestCode.CONTROLLER_ELECT_MASTER

    cluster_name: str
    broker_name: str
    broker_id: I64
    designate_elect: bool
    invoke_time: I64 | None = None


class ElectMasterResponseHeader(Header):
    """The elected master."""

    master_broker_id: I64 | None = None
    master_address: str | None = None
    master_epoch: I32 | None = None
    sync_state_set_epoch: I32 | None = None


class RegisterBrokerToControllerRequestHeader(Header):
    """A broker registers with the controller."""

    CODE = RequestCode.CONTROLLER_REGISTER_BROKER

    cluster_name: str | None = None
    broker_name: str | None = None
    broker_id: I64 | None = None
    broker_address: str | None = None
    invoke_time: I64 | None = None


class RegisterBrokerToControllerResponseHeader(Header):
    """The master of the broker that registered."""

    cluster_name: str | None = None
    broker_name: str | None = None
    master_broker_id: I64 | None = None
    master_address: str | None = None
    master_epoch: I32 | None = None
    sync_state_set_epoch: I32 | None = None


class GetNextBrokerIdRequestHeader(Header):
    """Ask for the next free broker id."""

    CODE = RequestCode.CONTROLLER_GET_NEXT_BROKER_ID

    cluster_name: str | None = None
    broker_name: str | None = None


class GetNextBrokerIdResponseHeader(Header):
    """The next free broker id."""

    cluster_name: str | None = None
    broker_name: str | None = None
    next_broker_id: I64 | None = None


class ApplyBrokerIdRequestHeader(Header):
    """Claim a broker id."""

    CODE = RequestCode.CONTROLLER_APPLY_BROKER_ID

    cluster_name: str | None = None
    broker_name: str | None = None
    applied_broker_id: I64 | None = None
    register_check_code: str | None = None


class ApplyBrokerIdResponseHeader(Header):
    """Confirmation of a claimed broker id."""

    cluster_name: str | None = None
    broker_name: str | None = None


class GetReplicaInfoRequestHeader(Header):
    """Ask for the master of a broker."""

    CODE = RequestCode.CONTROLLER_GET_REPLICA_INFO

    broker_name: str | None = None


class GetReplicaInfoResponseHeader(Header):
    """The master of a broker."""

    master_broker_id: I64 | None = None
    master_address: str | None = None
    master_epoch: I32 | None = None


class GetMetaDataResponseHeader(Header):
    """State of the controller group."""

    group: str | None = None
    controller_leader_id: str | None = None
    controller_leader_address: str | None = None
    is_leader: bool | None = None
    peers: str | None = None


class CleanControllerBrokerDataRequestHeader(Header):
    """Remove a broker's data from the controllers."""

    CODE = RequestCode.CLEAN_BROKER_DATA

    cluster_name: str | None = None
    broker_name: str
    broker_controller_ids_to_clean: str | None = None
    is_clean_living_broker: bool | None = None
    invoke_time: I64 | None = None


class NotifyBrokerRoleChangedRequestHeader(Header):
    """Tell a broker its new role."""

    CODE = RequestCode.NOTIFY_BROKER_ROLE_CHANGED

    master_address: str | None = None
    master_epoch: I32 | None = None
    sync_state_set_epoch: I32 | None = None
    master_broker_id: I64 | None = None


class NotifyMinBrokerIdChangeRequestHeader(Header):
    """Tell brokers that another replica acts as master."""

    CODE = RequestCode.NOTIFY_MIN_BROKER_ID_CHANGE

    min_broker_id: I64 | None = None
    broker_name: str | None = None
    min_broker_addr: str | None = None
    offline_broker_addr: str | None = None
    ha_broker_addr: str | None = None


class ExchangeHAInfoRequestHeader(Header):
    """Tell a replica's addresses for high availability."""

    CODE = RequestCode.EXCHANGE_BROKER_HA_INFO

    master_ha_address: str | None = None
    master_flush_offset: I64 | None = None
    master_address: str | None = None


class ExchangeHAInfoResponseHeader(Header):
    """A master's addresses for high availability."""

    master_ha_address: str | None = None
    master_flush_offset: I64 | None = None
    master_address: str | None = None


class ResetMasterFlushOffsetHeader(Header):
    """Set the offset that a slave may copy up to."""

    CODE = RequestCode.RESET_MASTER_FLUSH_OFFSET

    master_flush_offset: I64


class AddBrokerRequestHeader(Header):
    """Add a broker to a broker container."""

    CODE = RequestCode.ADD_BROKER

    config_path: str | None = None


class RemoveBrokerRequestHeader(Header):
    """Remove a broker from a broker container."""

    CODE = RequestCode.REMOVE_BROKER

    broker_name: str
    broker_cluster_name: str
    broker_id: I64
