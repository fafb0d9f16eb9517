"""Repositories for Flux: what is in them, what `check --as flux` says of them, and what the real controller makes of them.

Each row of what is known of the controller is one; the last ones have the layouts of public repositories.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import yaml

Encrypt = Callable[[bytes, str, str, str], bytes]
"""Content, store, selector and pattern (both may be empty) to an encrypted file."""
Files = dict[str, bytes]

VALUE: Final = "hunter2-value"
GIT: Final = {"kind": "GitRepository", "name": "flux-system"}
SOPS: Final = {"provider": "sops", "secretRef": {"name": "sops-age"}}
ADD: Final = [{"op": "add", "path": "/spec/decryption", "value": SOPS}]
MERGE: Final = {
    "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
    "kind": "Kustomization",
    "metadata": {"name": "any"},
    "spec": {"decryption": SOPS},
}
ALL: Final = {"kind": "Kustomization"}
ENTRY: Final = "clusters/one/entry.yaml"


class Maker(NamedTuple):
    """What a repository is made with: encryption, and the namespace in which all of it lies."""

    encrypt: Encrypt
    namespace: str

    def values(self, obj: Mapping[str, Any], pattern: str = "^(data|stringData)$") -> bytes:
        """Return an object whose values are encrypted."""
        return self.encrypt(dump(obj), "yaml", "encrypted_regex", pattern)

    def secret(self, name: str = "web", password: str = VALUE, **metadata: object) -> dict[str, Any]:
        """Return a Secret with one password, in the namespace unless `namespace=None`."""
        own = {"name": name, "namespace": self.namespace, **metadata}
        own = {field: value for field, value in own.items() if value is not None}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": own, "stringData": {"password": password}}

    def settings(self, name: str = "web", **data: str) -> dict[str, Any]:
        """Return a ConfigMap."""
        metadata = {"name": name, "namespace": self.namespace}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data or {"password": VALUE}}

    def sync(self, name: str, path: str, *, decrypts: bool = True, **spec: object) -> dict[str, Any]:
        """Return a Kustomization of Flux."""
        decryption = {"decryption": SOPS} if decrypts else {}
        base = {"interval": "1h", "retryInterval": "2s", "prune": True, "sourceRef": GIT, "path": path}
        metadata = {"name": name, "namespace": self.namespace}
        version = "kustomize.toolkit.fluxcd.io/v1"
        return {
            "apiVersion": version,
            "kind": "Kustomization",
            "metadata": metadata,
            "spec": {**base, **decryption, **spec},
        }


class Layout(NamedTuple):
    """One repository. `says` is the rule for each file, `ready` how each Kustomization ends, `arrives` what passwords do.

    A Kustomization that is None is not looked at; a password that is None does not arrive, `ENC` arrives as ciphertext.
    """

    files: Callable[[Maker], Files]
    says: Mapping[str, str]
    ready: Mapping[str, bool | None]
    arrives: Mapping[str, str | None] = {}


def dump(*objects: object) -> bytes:
    """Return a YAML stream."""
    return yaml.safe_dump_all(objects, sort_keys=False).encode()


def built(**fields: object) -> bytes:
    """Return a kustomization.yaml."""
    return dump({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", **fields})


def one(
    content: Callable[[Maker], bytes], *, decrypts: bool = True, more: Mapping[str, bytes] = {}, **spec: object
) -> Any:
    """Return the files of a repository with one Kustomization over `app`, and one manifest in it."""

    def files(maker: Maker) -> Files:
        sync = dump(maker.sync("app", "./app", decrypts=decrypts, **spec))
        return {ENTRY: sync, "app/s.yaml": content(maker), **more}

    return files


def values(maker: Maker) -> bytes:
    """Return a Secret with an encrypted password."""
    return maker.values(maker.secret())


def whole(maker: Maker) -> bytes:
    """Return a Secret that is encrypted with its names."""
    return maker.encrypt(dump(maker.secret()), "yaml", "", "")


def by_comment(kind: str, obj: Callable[[Maker], dict[str, Any]], comment: str) -> Callable[[Maker], bytes]:
    """Return an object that is encrypted by a comment above its password."""

    def content(maker: Maker) -> bytes:
        text = dump(obj(maker)).decode().replace("  password:", f"  # {comment}\n  password:")
        return maker.encrypt(text.encode(), "yaml", kind, "hide")

    return content


def renamed(maker: Maker) -> bytes:
    """Return an encrypted Secret that somebody has renamed."""
    return values(maker).replace(b"name: web", b"name: other")


def as_data(maker: Maker) -> bytes:
    """Return a Secret with encrypted base64."""
    secret = {**maker.secret(), "data": {"password": base64.b64encode(VALUE.encode()).decode()}}
    del secret["stringData"]
    return maker.values(secret)


def several(maker: Maker) -> bytes:
    """Return two Secrets in one file, each with its own `sops`."""
    return maker.encrypt(dump(maker.secret(), maker.secret("two")), "yaml", "encrypted_regex", "^(data|stringData)$")


def two(
    parent: Mapping[str, object], child: Mapping[str, object], path: str = "./web", *, at: str = "web", **labels: str
) -> Any:
    """Return the files of a repository in which `parent` brings `child`, whose Secret lies at `at`."""

    def files(maker: Maker) -> Files:
        brought = maker.sync("web", path, **{"decrypts": False, **child})  # type: ignore[arg-type]
        brought["metadata"] |= {"labels": labels} if labels else {}
        entry = maker.sync("apps", "./apps", **{"decrypts": False, **parent})  # type: ignore[arg-type]
        return {ENTRY: dump(entry), "apps/web.yaml": dump(brought), f"{at}/s.yaml": values(maker)}

    return files


def beside(more: Mapping[str, bytes], files: Callable[[Maker], Files]) -> Callable[[Maker], Files]:
    """Return the files of a repository with more files beside."""
    return lambda maker: {**files(maker), **more}


def substituted(password: str, **spec: object) -> Any:
    """Return the files of a repository that substitutes over one password."""
    post = spec or {"postBuild": {"substitute": {"env": "prod"}}}
    return one(lambda maker: maker.values(maker.secret(password=password)), **post)  # type: ignore[arg-type]


def generated(*fields: str, **spec: object) -> Any:
    """Return the files of a repository whose generators name one encrypted file."""

    def files(maker: Maker) -> Files:
        content = maker.encrypt(b'{"data": "x"}', "json", "", "")
        options = {"disableNameSuffixHash": True}
        named = {"name": "web", "namespace": maker.namespace, "files": ["p.json"], "options": options}
        sync = dump(maker.sync("app", "./app", **spec))  # type: ignore[arg-type]
        return {ENTRY: sync, "app/kustomization.yaml": built(**{key: [named] for key in fields}), "app/p.json": content}

    return files


def patched(patch: object, **target: str) -> Any:
    """Return the files of a repository that patches an encrypted Secret."""
    listed = [{"patch": yaml.safe_dump(patch), "target": {"kind": "Secret", **target}}]
    return one(values, more={"app/kustomization.yaml": built(resources=["s.yaml"], patches=listed)})


def patch_file(maker: Maker) -> Files:
    """Return the files of a repository whose patch is an encrypted file, with a value that substitution changes."""
    base = maker.secret()
    base["stringData"] = {"user": "x"}
    return {
        ENTRY: dump(maker.sync("app", "./app", postBuild={"substitute": {"env": "prod"}})),
        "app/kustomization.yaml": built(resources=["base.yaml"], patches=[{"path": "patch.yaml"}]),
        "app/base.yaml": dump(base),
        "app/patch.yaml": maker.values(maker.secret(password="a$$b")),
    }


def by_bases(maker: Maker) -> Files:
    """Return the files of a repository whose generator lies in a folder that only the old field `bases` names."""
    files = generated("secretGenerator")(maker)
    moved = {path.replace("app/", "base/"): content for path, content in files.items() if path != ENTRY}
    return {ENTRY: files[ENTRY], **moved, "app/kustomization.yaml": built(bases=["../base"])}


def merged(field: str, value: object) -> dict[str, object]:
    """Return a strategic merge patch for a Secret."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "any"}, field: value}


def unnamed(maker: Maker) -> bytes:
    """Return an encrypted Secret without a namespace."""
    return maker.values(maker.secret(namespace=None))


def from_settings(maker: Maker) -> Files:
    """Return the files of a repository whose variables come from a ConfigMap that it holds."""
    post = {"substituteFrom": [{"kind": "ConfigMap", "name": "vars"}]}
    return {
        ENTRY: dump(maker.sync("vars", "./vars", decrypts=False), maker.sync("apps", "./apps", decrypts=False, postBuild=post,
                                                                          dependsOn=[{"name": "vars"}])),
        "vars/vars.yaml": dump(maker.settings("vars", cluster="prod")),
        "apps/web.yaml": dump(maker.sync("web", "./envs/${cluster}")),
        "envs/prod/s.yaml": values(maker),
    }  # fmt: skip


def itself(maker: Maker) -> Files:
    """Return the files of a bootstrapped repository whose first Kustomization patches itself."""
    entry = maker.sync("flux-system", "./clusters/one", decrypts=False)
    folder = "clusters/one/flux-system"
    return {
        f"{folder}/gotk-sync.yaml": dump(entry),
        f"{folder}/kustomization.yaml": built(resources=["gotk-sync.yaml"], patches=[{"patch": yaml.safe_dump(ADD), "target": ALL}]),
        "clusters/one/s.yaml": values(maker),
    }  # fmt: skip


def own_example(maker: Maker) -> Files:
    """Return the layout of Flux' own example: clusters, infrastructure, apps with bases and overlays."""
    clusters = "clusters/staging"
    chart = {"kind": "GitRepository", "name": "podinfo"}
    return {
        f"{clusters}/flux-system/gotk-sync.yaml": dump(maker.sync("flux-system", f"./{clusters}", decrypts=False)),
        f"{clusters}/flux-system/kustomization.yaml": built(resources=["gotk-sync.yaml"]),
        f"{clusters}/infrastructure.yaml": dump(
            maker.sync("infra-controllers", "./infrastructure/controllers", decrypts=False),
            maker.sync("infra-configs", "./infrastructure/configs", dependsOn=[{"name": "infra-controllers"}]),
        ),
        f"{clusters}/apps.yaml": dump(maker.sync("apps", "./apps/staging", dependsOn=[{"name": "infra-configs"}])),
        f"{clusters}/podinfo.yaml": dump(maker.sync("podinfo", "./kustomize", decrypts=False, sourceRef=chart)),
        "infrastructure/controllers/kustomization.yaml": built(resources=["settings.yaml"]),
        "infrastructure/controllers/settings.yaml": dump(maker.settings("controllers", a="b")),
        "infrastructure/configs/kustomization.yaml": built(resources=["issuer.yaml"]),
        "infrastructure/configs/issuer.yaml": maker.values(maker.secret("issuer")),
        "apps/base/podinfo/kustomization.yaml": built(resources=["release.yaml"]),
        "apps/base/podinfo/release.yaml": dump(maker.settings("podinfo", a="b")),
        "apps/staging/kustomization.yaml": built(
            resources=["../base/podinfo", "token.yaml"],
            patches=[{"path": "values.yaml", "target": {"kind": "ConfigMap"}}],
        ),
        "apps/staging/values.yaml": dump({**maker.settings("podinfo", b="c")}),
        "apps/staging/token.yaml": maker.values(maker.secret("token")),
        "README.md": b"# Flux example\n",
    }


def home(maker: Maker) -> Files:
    """Return the layout of the home-operations template: the first Kustomization patches decryption into all others."""
    patch = {
        "patch": yaml.safe_dump(MERGE),
        "target": {"group": "kustomize.toolkit.fluxcd.io", "kind": "Kustomization"},
    }
    own = {
        "patch": yaml.safe_dump(MERGE),
        "target": {**ALL, "labelSelector": "substitution.flux.home.arpa/disabled notin (true)"},
    }
    component = {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"}
    return {
        "kubernetes/flux/cluster/ks.yaml": dump(maker.sync("cluster-apps", "./kubernetes/apps", patches=[patch, own])),
        "kubernetes/components/common/kustomization.yaml": dump({**component, "resources": ["cluster.sops.yaml"]}),
        "kubernetes/components/common/cluster.sops.yaml": maker.values(maker.secret("cluster-secrets", namespace=None)),
        "kubernetes/apps/default/kustomization.yaml": built(
            namespace=maker.namespace, resources=["echo/ks.yaml"], components=["../../components/common"]
        ),
        "kubernetes/apps/default/echo/ks.yaml": dump(
            maker.sync("echo", "./kubernetes/apps/default/echo/app", decrypts=False, targetNamespace=maker.namespace,
                       postBuild={"substituteFrom": [{"kind": "Secret", "name": "cluster-secrets"}]})),
        "kubernetes/apps/default/echo/app/kustomization.yaml": built(resources=["settings.yaml", "echo.sops.yaml"]),
        "kubernetes/apps/default/echo/app/settings.yaml": dump(maker.settings("echo", host="echo.${password}")),
        "kubernetes/apps/default/echo/app/echo.sops.yaml": maker.values(maker.secret("echo")),
        ".archive/old/ks.yaml": dump(maker.sync("old", "./kubernetes/apps/gone")),
    }  # fmt: skip


def monorepo(maker: Maker) -> Files:
    """Return a repository of several teams, with a cluster beside and much that Flux never sees."""
    return {
        "deploy/clusters/prod/flux-system/gotk-sync.yaml": dump(
            maker.sync("flux-system", "./deploy/clusters/prod", decrypts=False)
        ),
        "deploy/clusters/prod/teams.yaml": dump(
            maker.sync("team-a", "./deploy/teams/a/overlays/prod"), maker.sync("team-b", "./deploy/teams/b")
        ),
        "deploy/teams/a/base/kustomization.yaml": built(resources=["db.yaml"]),
        "deploy/teams/a/base/db.yaml": maker.values(maker.secret("db")),
        "deploy/teams/a/overlays/prod/kustomization.yaml": built(resources=["../../base"], namePrefix="prod-"),
        "deploy/teams/a/overlays/dev/kustomization.yaml": built(resources=["../../base"], namePrefix="dev-"),
        "deploy/teams/b/one.yaml": maker.values(maker.secret("b-one")),
        "deploy/teams/b/two.yaml": dump(maker.settings("b-two", a="b")),
        "ansible/group_vars/all.yaml": maker.encrypt(dump({"password": VALUE}), "yaml", "", ""),
        "services/web/main.py": b"print('hello')\n",
        "contrib/example/ks.yaml": dump(maker.sync("example", "./nowhere")),
        "mkdocs.yml": b"site_name: x\n",
    }


DECRYPTED: Final = {"Secret/web": VALUE}
LOST: Final = {"Secret/web": "ENC"}
NOTHING: Final[Mapping[str, str | None]] = {"Secret/web": None}
READY: Final = {"app": True}
FAILED: Final = {"app": False}
DECRYPTS: Final = {"app/s.yaml": "decrypts"}
MISSED: Final = {"app/s.yaml": "missed"}
FAILS: Final = {"app/s.yaml": "fails"}
BOTH: Final = {"apps": True, "web": True}
CHILD: Final = {"web/s.yaml": "decrypts"}
CIRCLED: Final = {"labelSelector": "plain notin (true)", "kind": "Kustomization"}
_NAMED: Final = {"app/kustomization.yaml": built(resources=["s.yaml"], commonLabels={"a": "b"})}


def _named(**fields: object) -> dict[str, bytes]:
    return {"app/kustomization.yaml": built(**{"resources": ["s.yaml"], **fields})}


LAYOUTS: Final[Mapping[str, Layout]] = {
    # --- decryption
    "values of a Secret": Layout(one(values), DECRYPTS, READY, DECRYPTED),
    "values of a ConfigMap": Layout(one(lambda m: m.values(m.settings())), DECRYPTS, READY, {"ConfigMap/web": VALUE}),
    "no decryption, stringData": Layout(one(values, decrypts=False), MISSED, READY, LOST),
    "no decryption, data": Layout(one(as_data, decrypts=False), FAILS, FAILED, NOTHING),
    "no decryption, a ConfigMap": Layout(
        one(lambda m: m.values(m.settings()), decrypts=False), MISSED, READY, {"ConfigMap/web": "ENC"}
    ),
    "no decryption, names too": Layout(one(whole, decrypts=False), FAILS, FAILED),
    "a name changed by hand": Layout(one(renamed), DECRYPTS, READY, {"Secret/other": VALUE}),
    "several documents": Layout(one(several), DECRYPTS, READY, {**DECRYPTED, "Secret/two": VALUE}),
    "a comment picks": Layout(one(by_comment("encrypted_comment_regex", Maker.secret, "hide")), MISSED, READY, LOST),
    "a comment picks in a ConfigMap": Layout(
        one(by_comment("encrypted_comment_regex", Maker.settings, "hide")), MISSED, READY, {"ConfigMap/web": "ENC"}
    ),
    "names too": Layout(one(whole), DECRYPTS, READY, DECRYPTED),
    "names too, target namespace": Layout(one(whole, targetNamespace="elsewhere"), FAILS, FAILED),
    "names too, a namespace": Layout(one(whole, more=_named(namespace="elsewhere")), FAILS, FAILED),
    "names too, a prefix": Layout(one(whole, more=_named(namePrefix="a-")), FAILS, FAILED),
    "labels": Layout(one(values, more=_named(commonLabels={"a": "b"})), DECRYPTS, READY, DECRYPTED),
    "a prefix": Layout(one(values, more=_named(namePrefix="a-")), DECRYPTS, READY, {"Secret/a-web": VALUE}),
    "a suffix of the Kustomization": Layout(one(values, nameSuffix="-b"), DECRYPTS, READY, {"Secret/web-b": VALUE}),
    "a patch beside the values": Layout(
        patched([{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}]), DECRYPTS, READY, DECRYPTED
    ),
    "a patch over a value": Layout(patched(merged("stringData", {"password": "x"})), FAILS, FAILED, NOTHING),
    "a patch that adds a value": Layout(patched(merged("stringData", {"user": "x"})), FAILS, FAILED, NOTHING),
    "a patch that deletes": Layout(patched({**merged("type", "x"), "$patch": "delete"}), {}, READY, NOTHING),
    "decryption disabled": Layout(
        one(lambda m: m.values(m.secret(annotations={"kustomize.toolkit.fluxcd.io/decrypt": "disabled"}))),
        MISSED, READY, LOST,
    ),
    "a generator of both": Layout(
        generated("secretGenerator", "configMapGenerator"), {"app/p.json": "changes"}, READY
    ),
    "a generator of ConfigMaps": Layout(generated("configMapGenerator"), {"app/p.json": "missed"}, READY),
    "a generator in bases": Layout(by_bases, {"base/p.json": "missed"}, READY),
    # --- names and paths
    "no namespace": Layout(one(unnamed), FAILS, FAILED, NOTHING),
    "a namespace from the kustomization": Layout(
        lambda m: {**one(unnamed)(m), **_named(namespace=m.namespace)}, DECRYPTS, READY, DECRYPTED
    ),
    "a missing path": Layout(
        lambda m: {ENTRY: dump(m.sync("app", "./gone")), "app/s.yaml": values(m)},
        {ENTRY: "fails", "app/s.yaml": "unreached"}, FAILED,
    ),
    "a resource that is missing": Layout(
        one(values, more=_named(resources=["s.yaml", "gone.yaml"])), {"app/kustomization.yaml": "fails"}, FAILED
    ),
    "suspended": Layout(
        one(values, decrypts=False, suspend=True), {ENTRY: "not-judged", **MISSED}, {"app": None}, NOTHING
    ),
    # --- parents and children
    "a patch of the parent": Layout(
        two({"patches": [{"patch": yaml.safe_dump(MERGE), "target": ALL}]}, {}), CHILD, BOTH, DECRYPTED
    ),
    "a parent that decrypts, and patches nothing": Layout(
        two({"decrypts": True}, {}), {"web/s.yaml": "missed"}, BOTH, LOST
    ),
    "a selector that fits": Layout(
        two({"patches": [{"patch": yaml.safe_dump(MERGE), "target": CIRCLED}]}, {}), CHILD, BOTH, DECRYPTED
    ),
    "a selector that leaves the child out": Layout(
        two({"patches": [{"patch": yaml.safe_dump(MERGE), "target": CIRCLED}]}, {}, plain="true"),
        {"web/s.yaml": "missed"}, BOTH, LOST,
    ),
    "operations in the kustomization": Layout(
        beside(
            {"apps/kustomization.yaml": built(resources=["web.yaml"], patches=[{"patch": yaml.safe_dump(ADD), "target": ALL}])},
            two({}, {}),
        ),
        CHILD, BOTH, DECRYPTED,
    ),
    "decryption removed": Layout(
        two({"patches": [{"patch": yaml.safe_dump([{"op": "remove", "path": "/spec/decryption"}]), "target": ALL}]},
            {"decrypts": True}),
        {"web/s.yaml": "missed"}, BOTH, LOST,
    ),
    "a path replaced": Layout(
        two({"patches": [{"patch": yaml.safe_dump([{"op": "replace", "path": "/spec/path", "value": "./prod"}]), "target": ALL}]},
            {"decrypts": True}, at="prod"),
        {"prod/s.yaml": "decrypts"}, BOTH, DECRYPTED,
    ),
    "a path replaced by a missing one": Layout(
        two({"patches": [{"patch": yaml.safe_dump([{"op": "replace", "path": "/spec/path", "value": "./no"}]), "target": ALL}]},
            {"decrypts": True}),
        {"apps/web.yaml": "fails", "web/s.yaml": "unreached"}, {"apps": True, "web": False}, NOTHING,
    ),
    "an operation that does not apply": Layout(
        two({"patches": [{"patch": yaml.safe_dump([{"op": "remove", "path": "/spec/decryption"}]), "target": ALL}]}, {}),
        {ENTRY: "fails", "web/s.yaml": "unreached"}, {"apps": False}, NOTHING,
    ),
    "a path with a variable": Layout(
        two({"postBuild": {"substitute": {"cluster": "prod"}}}, {"decrypts": True}, "./envs/${cluster}", at="envs/prod"),
        {"envs/prod/s.yaml": "decrypts"}, BOTH, DECRYPTED,
    ),
    "a path with a variable that nobody fills": Layout(
        two({}, {"decrypts": True}, "./envs/${cluster}", at="envs/prod"),
        {"apps/web.yaml": "fails", "envs/prod/s.yaml": "unreached"}, {"apps": True, "web": False}, NOTHING,
    ),
    "a variable that is kept for the child": Layout(
        two({"postBuild": {"substitute": {"cluster": "prod"}}}, {"decrypts": True, "postBuild": {"substitute": {"a": "$${b}"}}}),
        CHILD, BOTH, DECRYPTED,
    ),
    "a path with a variable from a ConfigMap": Layout(
        from_settings, {"envs/prod/s.yaml": "decrypts"}, {"vars": True, "apps": True, "web": True}, DECRYPTED
    ),
    "a Kustomization that patches itself": Layout(
        itself, {"clusters/one/s.yaml": "decrypts"}, {"flux-system": True}, DECRYPTED
    ),
    # --- substitution
    "a known variable": Layout(substituted("${env}"), DECRYPTS, READY, {"Secret/web": "prod"}),
    "an unknown variable": Layout(substituted("${x}"), FAILS, FAILED, NOTHING),
    "a default": Layout(substituted("${y:=dflt}"), DECRYPTS, READY, {"Secret/web": "dflt"}),
    "another default": Layout(substituted("${env:-x}"), DECRYPTS, READY, {"Secret/web": "prod"}),
    "an escaped variable": Layout(substituted("$${HOME}"), DECRYPTS, READY, {"Secret/web": "${HOME}"}),
    "two signs in a password": Layout(substituted("a$$b"), {"app/s.yaml": "changes"}, READY, {"Secret/web": "a$b"}),
    "two signs alone": Layout(substituted("$$"), {"app/s.yaml": "changes"}, READY, {"Secret/web": "$"}),
    "three signs": Layout(substituted("a$$$b"), {"app/s.yaml": "changes"}, READY, {"Secret/web": "a$$b"}),
    "signs that mean nothing": Layout(substituted("p$word$"), DECRYPTS, READY, {"Secret/web": "p$word$"}),
    "a pattern": Layout(substituted("^a$"), DECRYPTS, READY, {"Secret/web": "^a$"}),
    "a number behind a sign": Layout(substituted("$1"), DECRYPTS, READY, {"Secret/web": "$1"}),
    "round brackets": Layout(substituted("$(env)"), DECRYPTS, READY, {"Secret/web": "$(env)"}),
    "a brace that is not closed": Layout(substituted("${env"), FAILS, FAILED, NOTHING),
    "a name that is none": Layout(substituted("x${bad var}y"), FAILS, FAILED, NOTHING),
    "nothing to substitute": Layout(substituted("${x}", postBuild={}), DECRYPTS, READY, {"Secret/web": "${x}"}),
    "substitution disabled": Layout(
        one(lambda m: m.values(m.secret(password="${x}", annotations={"kustomize.toolkit.fluxcd.io/substitute": "disabled"})),
            postBuild={"substitute": {"env": "prod"}}),
        DECRYPTS, READY, {"Secret/web": "${x}"},
    ),
    "a variable in a clear field": Layout(
        lambda m: one(lambda n: n.values(n.secret(namespace="${ns}")), postBuild={"substitute": {"ns": m.namespace}})(m),
        DECRYPTS, READY, DECRYPTED,
    ),
    "an unknown variable in the clear": Layout(
        one(lambda m: dump(m.settings(password="${x}")), postBuild={"substitute": {"env": "prod"}}), FAILS, FAILED
    ),
    "two signs in base64": Layout(
        one(lambda m: m.values({**m.secret(), "data": {"b": "JCQ="}}), postBuild={"substitute": {"env": "prod"}}),
        DECRYPTS, READY, DECRYPTED,
    ),
    "two signs in an encrypted patch": Layout(
        patch_file, {"app/patch.yaml": "changes"}, READY, {"Secret/web": "a$b"}
    ),
    # --- public layouts
    "Flux' own example": Layout(
        own_example,
        {"infrastructure/configs/issuer.yaml": "decrypts", "apps/staging/token.yaml": "decrypts",
         "clusters/staging/podinfo.yaml": "not-judged"},
        {"flux-system": True, "infra-controllers": True, "infra-configs": True, "apps": True, "podinfo": False},
        {"Secret/issuer": VALUE, "Secret/token": VALUE},
    ),
    "the home-operations template": Layout(
        home,
        {"kubernetes/components/common/cluster.sops.yaml": "decrypts", "kubernetes/apps/default/echo/app/echo.sops.yaml": "decrypts"},
        {"cluster-apps": True, "echo": True},
        {"Secret/cluster-secrets": VALUE, "Secret/echo": VALUE},
    ),
    "a monorepo": Layout(
        monorepo,
        {"deploy/teams/a/base/db.yaml": "decrypts", "deploy/teams/b/one.yaml": "decrypts", "ansible/group_vars/all.yaml": "unreached"},
        {"flux-system": True, "team-a": True, "team-b": True},
        {"Secret/prod-db": VALUE, "Secret/b-one": VALUE},
    ),
}  # fmt: skip
