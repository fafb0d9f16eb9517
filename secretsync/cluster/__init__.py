"""The Kubernetes API, as its user sees it: apply and compare objects. The only importer of `kubernetes`."""

from __future__ import annotations

from secretsync.cluster.applying import Application, Applied
from secretsync.cluster.connection import FIELD_MANAGER, Cluster, Reply
from secretsync.cluster.differing import ObjectDifference, differences

__all__ = ["FIELD_MANAGER", "Application", "Applied", "Cluster", "ObjectDifference", "Reply", "differences"]
