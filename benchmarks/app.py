"""The product's Celery app with the smallest connectors known to it: `celery -A benchmarks.app`."""

from channable.celery import app
from connections.connectors import CONNECTORS
from tests.example import EXAMPLES

CONNECTORS.update(EXAMPLES)

__all__ = ["app"]
