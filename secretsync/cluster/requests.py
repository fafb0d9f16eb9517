"""One request to the API server and its answer; what fails is an error that repeats nothing of what the server says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

import secretsync.cluster.refusals as refusals
from secretsync.errors import ClusterError, UnreachableError

if TYPE_CHECKING:
    from kubernetes import client as api

_TIMEOUT_SECONDS: Final = 60


class ApiError(Exception):
    """What the server said, kept apart from what of it may be shown."""

    def __init__(self, code: int, reason: str, status: Mapping[str, Any]) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self._status = status

    def explained(self, manifest: Mapping[str, Any]) -> ClusterError:
        """Return the error to show: each field and what is wrong with it, but no value."""
        return refusals.refusal(self.code, self.reason, self._status, manifest)


def send(
    client: api.ApiClient,
    method: str,
    path: str,
    *,
    body: Mapping[str, Any] | None = None,
    query: list[tuple[str, str]] | None = None,
    **headers: str,
) -> bytes:
    """Send one request and return the raw answer; `headers` are named with underscores.

    Raises:
        ApiError: the server refuses.
        UnreachableError: there is no answer, or not all of it.
    """
    try:
        response = client.call_api(
            path,
            method,
            query_params=query or [],
            header_params={name.replace("_", "-"): value for name, value in headers.items()},
            body=body,
            auth_settings=["BearerToken"],
            _return_http_data_only=True,
            _preload_content=False,
            _request_timeout=_TIMEOUT_SECONDS,
        )
        data: bytes = response.data
    except ApiException as error:
        raise ApiError(int(error.status or 0), str(error.reason or ""), _status(error.body)) from None
    except (HTTPError, OSError) as error:
        raise UnreachableError(
            f"cannot reach the cluster: {type(error).__name__}", hint="kubectl cluster-info"
        ) from None
    return data


def decoded(data: bytes) -> dict[str, Any]:
    """Return the JSON object of an answer. Raises: UnreachableError: it is none, as where a proxy answers."""
    try:
        answer = json.loads(data)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise UnreachableError("what answers is no Kubernetes API", hint="kubectl cluster-info")
    return answer


def _status(body: bytes | str | None) -> Mapping[str, Any]:
    """Return the server's Status object, empty where it sent none."""
    try:
        status = json.loads(body or "{}")
    except ValueError:
        return {}
    return status if isinstance(status, dict) else {}
