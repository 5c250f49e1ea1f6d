"""Log set-up for programs, and what the library needs to log well: masking and a bound on repeated faults.

The library itself gets its loggers by ``logging.getLogger(__name__)`` and is silent until a program sets up
logging, with the standard library or with ``LoggerFactory``. Nothing here knows what is logged.
"""

from pyrocketmq.logging.config import LoggingConfig
from pyrocketmq.logging.formats import JsonFormatter, TextFormatter
from pyrocketmq.logging.logger import LoggerFactory
from pyrocketmq.logging.masking import SecretFilter, mask_secrets
from pyrocketmq.logging.repeats import RepeatedFaults

__all__ = [
    "JsonFormatter",
    "LoggerFactory",
    "LoggingConfig",
    "RepeatedFaults",
    "SecretFilter",
    "TextFormatter",
    "mask_secrets",
]
