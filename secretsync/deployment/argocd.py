"""What an Argo CD needs to run us beside its repo-server: plugin and operator's file, sidecar, network policy.

The texts are YAML for people to read and change; what is filled in is checked first, so that it cannot be more YAML.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from string import Template
from typing import Final, Literal, TypeAlias

import secretsync.letters as letters
from secretsync import __version__
from secretsync.errors import ConfigError

Source: TypeAlias = Literal["plain", "kustomize", "helm"]
Part: TypeAlias = Literal["all", "configuration", "sidecar", "network-policy"]

IMAGE: Final = f"secretsync:{__version__}"
KEYS: Final = "secretsync-keys"
IDENTITY: Final = "age.agekey"

_WORD: Final = letters.LETTERS + letters.DIGITS
_FILES: Final = "/etc/secretsync"
_PIPE: Final = """\
        command: [bash, -e, -u, -o, pipefail, -c]
        args:
          - |
"""
# Isolated (-I): what works in a checkout must not look for its modules there, wherever PYTHONPATH leads.
_GENERATE: Final[Mapping[Source, str]] = {
    "plain": """\
        command: [python3, -I, -m, secretsync.hooks]
        args: [render, .]
""",
    "kustomize": _PIPE
    + """\
            kustomize build --enable-alpha-plugins . | python3 -I -m secretsync.hooks render -
""",
    # A value file's name is a tenant's: `--values` takes lists with commas, so only what cannot be one passes.
    "helm": _PIPE
    + """\
            values=()
            set -f
            for file in ${ARGOCD_ENV_VALUES:-}; do
              case $file in *[!A-Za-z0-9._/-]*) echo "VALUES: not a plain file name" >&2; exit 3;; esac
              values+=(--values "secrets://$file")
            done
            helm template "$ARGOCD_APP_NAME" . --namespace "${ARGOCD_APP_NAMESPACE:-default}" --include-crds \\
              ${KUBE_VERSION:+--kube-version "$KUBE_VERSION"} ${values[@]+"${values[@]}"} \\
              | python3 -I -m secretsync.hooks render -
""",
}
_CONFIGURATION: Final = """\
# What the sidecar runs, and what it may do: nothing in a repository can change either.
apiVersion: v1
kind: ConfigMap
metadata:
  name: $name
data:
  plugin.yaml: |
    # No discover: an Application asks for this plugin by its name.
    apiVersion: argoproj.io/v1alpha1
    kind: ConfigManagementPlugin
    metadata:
      name: $name
    spec:
      generate:
$generate  hook.yaml: |
    apiVersion: secretsync/v1
    kind: HookConfiguration
    mode: $mode
    identities:
      age: [$files/$identity]
    # outputs:  # what may leave, for every Application; without this, everything
    #   kinds: [SealedSecret, ConfigMap, Deployment, Service]
$sealing"""
_SEALING: Final = """\
    sealing:
      certificate: $files/sealing.pem
      pin_spki_sha256: $pin
  sealing.pem: |
$certificate"""
_SIDECAR: Final = """\
# A patch: one more container in Argo CD's own Deployment. Only it sees the key.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: argocd-repo-server
spec:
  template:
    metadata:
      annotations:
        $name-configuration: $digest  # both files are read at the start only
    spec:
      containers:
        - name: $name
          image: $image
          command: [/var/run/argocd/argocd-cmp-server]
          env:
            - {name: HOME, value: /tmp}
          securityContext:
            runAsNonRoot: true
            runAsUser: 999
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
            seccompProfile: {type: RuntimeDefault}
          volumeMounts:
            - {name: var-files, mountPath: /var/run/argocd}
            - {name: plugins, mountPath: /home/argocd/cmp-server/plugins}
            - {name: $name-plugin, mountPath: /home/argocd/cmp-server/config, readOnly: true}
            - {name: $name-files, mountPath: $files, readOnly: true}
            - {name: $name-tmp, mountPath: /tmp}
      volumes:
        - name: $name-plugin
          configMap:
            name: $name
            items: [{key: plugin.yaml, path: plugin.yaml}]
        - name: $name-files
          projected:
            sources:
              - configMap:
                  name: $name
                  items: [$items]
              - secret:
                  name: $keys
        - name: $name-tmp  # its own, and in memory: repositories are unpacked here
          emptyDir: {medium: Memory}
"""
_NETWORK_POLICY: Final = """\
# Whoever reaches the repo-server can have anything decrypted that its plugins can: only Argo CD itself may.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: secretsync-repo-server
spec:
  podSelector:
    matchLabels: {app.kubernetes.io/name: argocd-repo-server}
  policyTypes: [Ingress]
  ingress:
    - from:
        - podSelector:
            matchExpressions:
              - key: app.kubernetes.io/name
                operator: In
                values:
                  - argocd-server
                  - argocd-application-controller
                  - argocd-applicationset-controller
                  - argocd-notifications-controller
      ports: [{port: 8081, protocol: TCP}]
    - from: [{namespaceSelector: {}}]  # metrics
      ports: [{port: 8084, protocol: TCP}]
"""


def parts(
    *,
    source: Source = "plain",
    image: str = IMAGE,
    keys: str = KEYS,
    identity: str = IDENTITY,
    certificate: str | None = None,
    pin: str = "",
) -> dict[Part, str]:
    """Return the documents by their name; with a `certificate` (PEM text) and its pin the plugin seals.

    Raises:
        ConfigError: a name could be read as more than a name.
    """
    for word in (image, keys, identity):
        if not letters.consists_of(word, _WORD + "._/:@-") or word[0] not in _WORD:
            raise ConfigError(f"{word!r} is not a valid name of an image, a Secret or a file")
    name = "secretsync" if source == "plain" else f"secretsync-{source}"
    sealing = ""
    if certificate is not None:
        sealing = Template(_SEALING).substitute(files=_FILES, pin=pin, certificate=_indented(certificate))
    configuration = Template(_CONFIGURATION).substitute(
        name=name,
        generate=_GENERATE[source],
        mode="seal" if sealing else "reveal",
        files=_FILES,
        identity=identity,
        sealing=sealing,
    )
    sidecar = Template(_SIDECAR).substitute(
        name=name,
        digest=sha256(configuration.encode()).hexdigest()[:16],
        image=image,
        files=_FILES,
        keys=keys,
        items=", ".join(f"{{key: {each}, path: {each}}}" for each in _keys(sealing)),
    )
    return {"configuration": configuration, "sidecar": sidecar, "network-policy": _NETWORK_POLICY}


def _keys(sealing: str) -> list[str]:
    return ["hook.yaml", "sealing.pem"] if sealing else ["hook.yaml"]


def _indented(text: str) -> str:
    return "".join(f"    {line.strip()}\n" for line in text.splitlines() if line.strip())
