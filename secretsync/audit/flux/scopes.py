"""Which objects live in a namespace: as far as their kinds tell, since the cluster is not asked.

Source: the API resources of Kubernetes 1.36 and of Flux 2; kustomize api/builtins (prefix and suffix leave some alone).
"""

from __future__ import annotations

from typing import Final

from secretsync.manifests.objects import SEALED_GROUP, Object, identify

_CLUSTER_WIDE: Final = frozenset(
    {
        *("Namespace", "Node", "PersistentVolume", "ComponentStatus"),
        *(
            "CustomResourceDefinition",
            "APIService",
            "ClusterRole",
            "ClusterRoleBinding",
            "StorageClass",
            "IngressClass",
        ),
        *("PriorityClass", "RuntimeClass", "CSIDriver", "CSINode", "VolumeAttachment", "CertificateSigningRequest"),
        *("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "ValidatingAdmissionPolicy"),
        *("ValidatingAdmissionPolicyBinding", "FlowSchema", "PriorityLevelConfiguration", "GatewayClass"),
    }
)
_NAMESPACED: Final = frozenset(
    {
        *(
            "ConfigMap",
            "Endpoints",
            "LimitRange",
            "PersistentVolumeClaim",
            "Pod",
            "PodTemplate",
            "ReplicationController",
        ),
        *(
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
            "Deployment",
            "DaemonSet",
            "ReplicaSet",
            "StatefulSet",
        ),
        *("Job", "CronJob", "HorizontalPodAutoscaler", "Ingress", "NetworkPolicy", "PodDisruptionBudget", "Role"),
        *("RoleBinding", "Lease", "EndpointSlice"),
    }
)
_GROUPS: Final = frozenset(
    {"", "apps", "batch", "autoscaling", "networking.k8s.io", "policy", "rbac.authorization.k8s.io"}
    | {"coordination.k8s.io", "discovery.k8s.io"}
)
_FLUX: Final = ".toolkit.fluxcd.io"
_KEEP: Final = frozenset({"CustomResourceDefinition", "APIService", "Namespace"})


def is_cluster_wide(obj: Object) -> bool:
    """Whether an object is known to live in no namespace."""
    return obj.get("kind") in _CLUSTER_WIDE


def is_namespaced(obj: Object) -> bool:
    """Whether an object is known to live in a namespace, and is refused without one."""
    own = identify(obj)
    group = own.api_version.rpartition("/")[0]
    if group.endswith(_FLUX) or own.api_version == SEALED_GROUP:
        return True
    return group in _GROUPS and own.kind in _NAMESPACED


def keeps_its_name(obj: Object) -> bool:
    """Whether prefix and suffix leave an object's name alone."""
    return obj.get("kind") in _KEEP
