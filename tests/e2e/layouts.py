"""Repositories as people lay them out: the common public ones, small, honest, with all that surrounds the secrets in them.

Each builder writes one into a `Repository`; what has to be found in it is nothing. `LEAKS` says for each what to plant.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from tests.unit.audit.repository import Repository, secret

Layout: TypeAlias = Callable[[Repository], None]

_KUSTOMIZE: Final = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
_CONFIG_MAP: Final = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {0}}}\ndata: {{{1}}}\n"
_RENOVATE: Final = "{\n  // what is updated, sops among it\n  extends: ['config:recommended'],\n}\n"


def flux_kustomization(name: str, path: str, more: str = "", *, sops: bool = True) -> str:
    """Return a Kustomization of Flux."""
    text = f"---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: {name}\n  namespace: flux-system\n"
    text += f"spec:\n  interval: 1h\n  path: {path}\n  prune: true\n  sourceRef: {{kind: GitRepository, name: flux-system, namespace: flux-system}}\n"
    return text + ("  decryption: {provider: sops, secretRef: {name: sops-age}}\n" if sops else "") + more


def _helm_release(name: str, more: str = "") -> str:
    return (
        f"apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: {name}}}\nspec:\n  interval: 1h\n"
        f"  chart: {{spec: {{chart: {name}, sourceRef: {{kind: HelmRepository, name: {name}, namespace: flux-system}}}}}}\n{more}"
    )


def home_operations(repository: Repository) -> None:
    """Write the home-operations template: nested Kustomizations, the decryption patched in by the parent."""
    repository.rules(
        "path_regex: 'talos/.*\\.sops\\.ya?ml', mac_only_encrypted: true",
        "path_regex: '(bootstrap|kubernetes)/.*\\.sops\\.ya?ml', encrypted_regex: '^(data|stringData)$', mac_only_encrypted: true",
    )
    patch = "  patches:\n  - patch: |\n      apiVersion: kustomize.toolkit.fluxcd.io/v1\n      kind: Kustomization\n      metadata: {name: not-used}\n      spec: {decryption: {provider: sops, secretRef: {name: sops-age}}}\n    target: {group: kustomize.toolkit.fluxcd.io, kind: Kustomization}\n"
    repository.write("kubernetes/flux/cluster/ks.yaml", flux_kustomization("cluster-apps", "./kubernetes/apps", patch))
    repository.write("kubernetes/apps/kustomization.yaml", f"{_KUSTOMIZE}resources: [default]\n")
    repository.write(
        "kubernetes/apps/default/kustomization.yaml", f"{_KUSTOMIZE}namespace: default\nresources: [echo/ks.yaml]\n"
    )
    repository.write(
        "kubernetes/apps/default/echo/ks.yaml",
        flux_kustomization("echo", "./kubernetes/apps/default/echo/app", sops=False),
    )
    app = "kubernetes/apps/default/echo/app"
    repository.write(
        f"{app}/kustomization.yaml",
        f"{_KUSTOMIZE}namespace: default\nresources: [secret.sops.yaml, helmrelease.yaml]\n",
    )
    repository.write(
        f"{app}/helmrelease.yaml", _helm_release("echo", "  values: {envFrom: [{secretRef: {name: echo-secret}}]}\n")
    )
    repository.encrypt(f"{app}/secret.sops.yaml", secret("echo-secret"))
    repository.encrypt(
        "talos/talsecret.sops.yaml",
        "cluster: {id: x, secret: hunter2}\nsecrets: {bootstraptoken: y}\n",
        encrypted_regex="",
    )
    repository.write("talos/talconfig.yaml", "clusterName: home\nnodes: [{hostname: k8s-0}]\n")
    repository.write(
        "templates/config/kubernetes/secret.sops.yaml.j2", "stringData:\n  token: #{ token }#\n{% if x %}\n"
    )
    repository.write(".github/renovate.json5", _RENOVATE)
    repository.write(
        ".github/workflows/ci.yaml",
        "on: push\njobs: {a: {steps: [{run: 'sops -d x', env: {TOKEN: '${{ secrets.TOKEN }}'}}]}}\n",
    )
    repository.write("Taskfile.yaml", "tasks:\n  encrypt: {cmds: ['sops --encrypt --in-place {{.FILE}}']}\n")
    repository.write("README.md", "Secrets are encrypted with sops: `ENC[AES256_GCM,…]`.\n")


def flux_example(repository: Repository) -> None:
    """Write Flux' own example: infrastructure and apps for two clusters, charts from sources of others."""
    repository.rules("path_regex: '.*.yaml', encrypted_regex: '^(data|stringData)$'")
    for cluster in ("production", "staging"):
        more = f"  postBuild: {{substitute: {{cluster: {cluster}}}}}\n"
        repository.write(f"clusters/{cluster}/apps.yaml", flux_kustomization("apps", f"./apps/{cluster}", more))
        repository.write(
            f"clusters/{cluster}/infrastructure.yaml", flux_kustomization("infra", "./infrastructure/controllers")
        )
        repository.write(
            f"apps/{cluster}/kustomization.yaml",
            f"{_KUSTOMIZE}namespace: podinfo\nresources: [../base/podinfo, redis.yaml]\npatches: [{{path: values.yaml, target: {{kind: HelmRelease}}}}]\n",
        )
        repository.write(
            f"apps/{cluster}/values.yaml", _helm_release("podinfo", "  values: {ingress: {enabled: true}}\n")
        )
        repository.encrypt(f"apps/{cluster}/redis.yaml", secret("redis"))
    repository.write("apps/base/podinfo/kustomization.yaml", f"{_KUSTOMIZE}resources: [release.yaml]\n")
    repository.write("apps/base/podinfo/release.yaml", _helm_release("podinfo"))
    repository.write("infrastructure/controllers/kustomization.yaml", f"{_KUSTOMIZE}resources: [cm.yaml]\n")
    repository.write(
        "infrastructure/controllers/cm.yaml",
        _CONFIG_MAP.format("c\n  namespace: infra".replace("\n  ", ", "), "a: '${cluster}'"),
    )
    repository.write("scripts/validate.sh", "#!/bin/sh\nkustomize build . | grep 'kind: Secret'\n")


def ksops_with_argocd(repository: Repository) -> None:
    """Write KSOPS with Argo CD: generators that name encrypted files, values of a vault's plugin beside."""
    repository.rules("path_regex: '.*\\.enc\\.ya?ml$', encrypted_regex: '^(data|stringData)$'")
    function = "  annotations:\n    config.kubernetes.io/function: |\n      exec: {path: ksops}\n"
    repository.write(
        "apps/web/secret-generator.yaml",
        f"apiVersion: viaduct.ai/v1\nkind: ksops\nmetadata:\n  name: web\n{function}files: [./secret.enc.yaml]\n",
    )
    repository.write(
        "apps/web/kustomization.yaml",
        f"{_KUSTOMIZE}namespace: web\ngenerators: [secret-generator.yaml]\nresources: [deployment.yaml, vault.yaml]\n",
    )
    repository.write(
        "apps/web/deployment.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: a, envFrom: [{secretRef: {name: web}}]}]}}}\n",
    )
    repository.encrypt("apps/web/secret.enc.yaml", secret("web"))
    repository.write(
        "apps/web/vault.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: v, annotations: {avp.kubernetes.io/path: kv/data/web}}\nstringData: {password: <password>, url: '<path:kv/data/web#url>'}\n",
    )
    repository.write(
        "argocd/web.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web}\nspec: {source: {path: apps/web}}\n",
    )


def app_of_apps(repository: Repository) -> None:
    """Write an app of apps: one chart that makes Applications, SealedSecrets beside their kustomizations."""
    repository.write("root/Chart.yaml", "apiVersion: v2\nname: root\nversion: 0.1.0\n")
    repository.write(
        "root/values.yaml",
        "spec: {source: {repoURL: 'https://git.example/x', targetRevision: HEAD}}\nsops: {enabled: false}\n",
    )
    repository.write(
        "root/templates/web.yaml",
        "{{- if .Values.web }}\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: {{ .Release.Name }}\n{{- end }}\n",
    )
    repository.write(
        "root/templates/secret.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  token: {{ .Values.token | b64enc }}\n",
    )
    repository.write("apps/web/kustomization.yaml", f"{_KUSTOMIZE}namespace: web\nresources: [sealed.yaml]\n")
    repository.write(
        "apps/web/sealed.yaml",
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db}\nspec:\n  encryptedData: {password: AgAB}\n  template: {data: {url: 'postgres://app:{{ .password }}@db'}}\n",
    )
    repository.write(
        "apps/web/token.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: t, annotations: {kubernetes.io/service-account.name: ci}}\ntype: kubernetes.io/service-account-token\n",
    )


def helm_values(repository: Repository) -> None:
    """Write charts with encrypted values beside plain ones, and a helmfile that reads both."""
    repository.rules("path_regex: 'secrets\\.ya?ml$'", "path_regex: '\\.enc\\.env$'")
    for stage in ("dev", "prod"):
        repository.write(f"values/{stage}/values.yaml", "image: {tag: v1}\npassword: ''\nexistingSecret: web\n")
        repository.encrypt(f"values/{stage}/secrets.yaml", "db:\n  password: hunter2\n", encrypted_regex="")
        repository.encrypt(f"values/{stage}/app.enc.env", "TOKEN=hunter2\n", encrypted_regex="")
    repository.write(
        "helmfile.yaml.gotmpl", "releases:\n- name: web\n  secrets: [values/{{ .Environment.Name }}/secrets.yaml]\n"
    )
    repository.write(
        "charts/web/templates/secret.yaml",
        'apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData:\n  password: "{{ .Values.db.password }}"\n  url: "postgres://app:{{ .Values.db.password }}@db"\n',
    )
    repository.write("charts/web/values.schema.json", '{"properties": {"kind": {"const": "Secret"}, "sops": {}}}')


def ansible_beside(repository: Repository) -> None:
    """Write Ansible beside Kubernetes: lists of tasks, group variables by sops and by ansible-vault."""
    repository.rules(
        "path_regex: 'group_vars/.*\\.sops\\.yml$'", "path_regex: 'k8s/.*', encrypted_regex: '^(data|stringData)$'"
    )
    repository.encrypt("ansible/group_vars/all/secrets.sops.yml", "db_password: hunter2\n", encrypted_regex="")
    repository.write(
        "ansible/group_vars/all/main.yml", "db_password: '{{ vault_db_password }}'\nsops_version: 3.13.3\n"
    )
    repository.write("ansible/group_vars/all/vault.yml", "$ANSIBLE_VAULT;1.1;AES256\n6162636465\n")
    repository.write(
        "ansible/roles/k8s/tasks/main.yml",
        "- name: install sops\n  package: {name: sops}\n- name: make a Secret\n  kubernetes.core.k8s:\n    definition: {kind: Secret, apiVersion: v1, stringData: {a: '{{ db_password }}'}}\n",
    )
    repository.write(
        "ansible/roles/k8s/templates/secret.yaml.j2",
        "apiVersion: v1\nkind: Secret\nstringData:\n  a: {{ db_password }}\n",
    )
    repository.write("ansible/inventory.ini", "[nodes]\nnode1 ansible_host=10.0.0.1\n")
    repository.encrypt("k8s/web/secret.yaml", secret("web"))
    repository.write("k8s/web/cm.yaml", _CONFIG_MAP.format("web", "mode: fast"))
    repository.write("k8s/README.md", "What runs here.\n")


def monorepo_with_ring(repository: Repository) -> None:
    """Write a monorepo with a key ring: services of several teams, some of them for others only."""
    for name, identity in {"dave": "own", "olga": "other"}.items():
        key = f"  - {{id: {name}-1, type: age, recipient: {repository.recipient(identity)}}}\n"
        repository.write(
            f"keys/people/{name}.yaml", f"apiVersion: secretsync/v1\nkind: Principal\nname: {name}\nkeys:\n{key}"
        )
    rules = "  - {paths: ['services/*/prod/*.enc.*'], readers: [olga]}\n  - {paths: ['**/*.enc.*'], readers: [dave, olga]}\n"
    repository.write("keys/policy.yaml", f"apiVersion: secretsync/v1\nkind: Policy\nrules:\n{rules}")
    for service in ("shop", "mail"):
        repository.encrypt(f"services/{service}/prod/db.enc.yaml", "password: hunter2\n", ["other"], encrypted_regex="")
        repository.encrypt(
            f"services/{service}/dev/db.enc.json", '{"password": "hunter2"}', ["own", "other"], encrypted_regex=""
        )
        repository.write(f"services/{service}/package.json", '{"name": "x", "scripts": {"sops": "sops -d"}}')
        repository.write(f"services/{service}/tsconfig.json", '{\n  // comments\n  "sops": {},\n}\n')
        repository.write(f"services/{service}/src/secret.ts", "export const kind = 'Secret' // ENC[AES256_GCM,\n")


class Leak(NamedTuple):
    """What is planted into a layout: a file, its text, and the rule that names it."""

    path: str
    text: str
    rule: str


LAYOUTS: Final[dict[str, Layout]] = {
    each.__name__: each
    for each in (
        home_operations,
        flux_example,
        ksops_with_argocd,
        app_of_apps,
        helm_values,
        ansible_beside,
        monorepo_with_ring,
    )
}
_VALUES: Final = "db:\n  password: hunter2\n"
LEAKS: Final[dict[str, list[Leak]]] = {
    "home_operations": [
        Leak("kubernetes/apps/default/echo/app/secret.sops.yaml", secret("echo-secret"), "plaintext-secret"),
        Leak("talos/talsecret.sops.yaml", _VALUES, "not-encrypted"),
    ],
    "flux_example": [Leak("apps/staging/redis.yaml", secret("redis"), "plaintext-secret")],
    "ksops_with_argocd": [
        Leak("apps/web/secret.enc.yaml", secret("web"), "plaintext-secret"),
        Leak(
            "apps/web/kustomization.yaml",
            "secretGenerator: [{name: a, literals: [b=hunter2]}]\n",
            "plaintext-generator",
        ),
    ],
    "app_of_apps": [Leak("apps/web/db.yaml", secret("db", "password: aHVudGVyMg==", "data"), "plaintext-secret")],
    "helm_values": [
        Leak("values/prod/secrets.yaml", _VALUES, "not-encrypted"),
        Leak("values/dev/app.enc.env", "TOKEN=hunter2\n", "not-encrypted"),
    ],
    "ansible_beside": [
        Leak("ansible/group_vars/all/secrets.sops.yml", "db_password: hunter2\n", "not-encrypted"),
        Leak("k8s/web/secret.yaml", secret("web"), "plaintext-secret"),
    ],
    "monorepo_with_ring": [
        Leak("services/shop/prod/db.enc.yaml", _VALUES, "not-encrypted"),
        Leak("services/mail/dev/db.enc.json", '{"password": "hunter2"}', "not-encrypted"),
    ],
}
