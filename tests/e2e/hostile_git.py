"""Everything that a repository, a user or an environment can set about git, set: oddly, or to a canary program.

A canary leaves a mark and fails. Names of settings are taken from the installed git as well, so that a newer one brings
its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

HOOKS: Final = (
    "applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-applypatch", "post-checkout", "post-commit",
    "post-index-change", "post-merge", "post-rewrite", "pre-applypatch", "pre-auto-gc", "pre-commit",
    "pre-merge-commit", "pre-push", "pre-rebase", "prepare-commit-msg", "push-to-checkout", "reference-transaction",
    "sendemail-validate",
)  # fmt: skip

PROGRAMS: Final = (
    "core.fsmonitor", "core.sshCommand", "core.askPass", "core.gitProxy", "core.alternateRefsCommand", "core.pager",
    "core.editor", "sequence.editor", "credential.helper", "diff.external", "diff.canary.command",
    "diff.canary.textconv", "filter.canary.clean", "filter.canary.smudge", "filter.canary.process",
    "filter.odd=name.clean", "filter.odd=name.smudge", "merge.canary.driver", "gpg.program", "gpg.openpgp.program",
    "gpg.x509.program", "gpg.ssh.program", "gpg.ssh.defaultKeyCommand", "uploadpack.packObjectsHook",
    "interactive.diffFilter", "difftool.canary.cmd", "mergetool.canary.cmd", "man.canary.cmd", "browser.canary.cmd",
    "remote.origin.uploadpack", "remote.origin.receivepack", "remote.origin.vcs", "sendemail.toCmd",
    "trailer.canary.command", "trailer.canary.cmd", "hook.canary.command", "submodule.canary.update",
    "pager.cat-file", "pager.ls-files", "pager.diff-tree", "pager.rev-list", "pager.config", "pager.ls-tree",
)  # fmt: skip
ALIASED: Final = ("cat-file", "config", "ls-files", "ls-tree", "rev-list", "rev-parse", "diff-tree", "commit-tree")

ODD: Final = {
    "core.hooksPath": "HOOKS", "core.attributesFile": "ATTRIBUTES", "core.excludesFile": "EXCLUDES",
    "core.autocrlf": "true", "core.eol": "crlf", "core.safecrlf": "true", "core.quotePath": "true",
    "core.fileMode": "false", "core.symlinks": "false", "core.ignoreCase": "true", "core.trustctime": "false",
    "core.checkStat": "minimal", "core.ignoreStat": "true", "core.untrackedCache": "true", "core.splitIndex": "true",
    "core.preloadIndex": "false", "core.bigFileThreshold": "1", "core.compression": "9", "core.abbrev": "4",
    "core.commentChar": "s", "core.logAllRefUpdates": "always", "core.sparseCheckout": "true",
    "core.sparseCheckoutCone": "false", "core.whitespace": "cr-at-eol", "core.useReplaceRefs": "true",
    "core.warnAmbiguousRefs": "true", "core.fsync": "none", "core.precomposeUnicode": "false",
    "index.version": "4", "index.sparse": "true", "feature.manyFiles": "true",
    "color.ui": "always", "color.diff": "always", "color.status": "always", "color.grep": "always",
    "color.branch": "always", "column.ui": "always", "log.showSignature": "true", "log.date": "raw",
    "log.follow": "true", "log.decorate": "full", "log.mailmap": "true", "log.diffMerges": "off",
    "log.showRoot": "false", "log.abbrevCommit": "true", "format.pretty": "format:odd",
    "mailmap.file": "MAILMAP", "diff.renames": "copies", "diff.noprefix": "true", "diff.mnemonicPrefix": "true",
    "diff.relative": "true", "diff.orderFile": "EXCLUDES", "diff.ignoreSubmodules": "all", "diff.submodule": "diff",
    "diff.wordRegex": ".", "diff.algorithm": "patience", "diff.autoRefreshIndex": "false", "diff.renameLimit": "1",
    "diff.canary.binary": "true", "diff.canary.cachetextconv": "true",
    "status.short": "true", "status.branch": "true", "status.relativePaths": "true",
    "status.showUntrackedFiles": "no", "status.renames": "copies", "status.submoduleSummary": "true",
    "grep.patternType": "perl", "grep.fullName": "false", "grep.lineNumber": "true", "grep.column": "true",
    "grep.fallbackToNoIndex": "true", "submodule.recurse": "true", "i18n.commitEncoding": "iso-8859-1",
    "i18n.logOutputEncoding": "utf-16", "commit.cleanup": "strip", "commit.verbose": "true",
    "commit.template": "EXCLUDES", "commit.status": "true", "tag.gpgSign": "true", "gc.auto": "1",
    "gc.autoDetach": "false", "maintenance.auto": "true", "transfer.fsckObjects": "true",
    "transfer.hideRefs": "refs/", "fetch.prune": "true", "pull.rebase": "true", "push.default": "matching",
    "rerere.enabled": "true", "merge.ff": "false", "merge.conflictStyle": "diff3", "merge.default": "canary",
    "pack.threads": "1", "pack.depth": "1", "protocol.allow": "always", "protocol.ext.allow": "always",
    "protocol.file.allow": "always", "remote.origin.url": "ext::CANARY", "remote.origin.promisor": "true",
    "remote.origin.partialclonefilter": "blob:none", "remote.origin.fetch": "+refs/heads/*:refs/remotes/origin/*",
    "filter.canary.required": "true", "filter.odd=name.required": "true", "hook.canary.event": "reference-transaction",
    "hook.canary.enabled": "true", "include.path": "INCLUDED", "safe.bareRepository": "all",
    "advice.detachedHead": "true", "help.autocorrect": "immediate", "core.notesRef": "refs/notes/odd",
    "notes.displayRef": "*", "user.useConfigOnly": "true", "init.defaultBranch": "odd", "versionsort.suffix": "-",
    "branch.sort": "-committerdate", "tag.sort": "-version:refname", "checkout.workers": "4", "stash.showPatch": "true",
    "trace2.normalTarget": "TRACE", "trace2.eventTarget": "TRACE", "trace2.perfTarget": "TRACE",
}  # fmt: skip

ATTRIBUTES: Final = "* filter=canary diff=canary merge=canary text eol=crlf ident export-subst\n*.env filter=odd=name\n"


class Hostile:
    """The canaries of one folder, and what names them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = folder / "canary"
        (folder / "hooks").mkdir(parents=True)
        for path in (
            self.program,
            *(folder / "hooks" / name for name in HOOKS),
            *(folder / f"git{n}" for n in ("", "-remote-ext")),
        ):
            path.write_text(f'#!/bin/sh\necho "$0 $*" >> {folder}/ran\nexit 1\n')
            path.chmod(0o755)
        (folder / "attributes").write_text(ATTRIBUTES)
        (folder / "excludes").write_text("*\n")
        (folder / "mailmap").write_text("Odd <odd@example.org> <test@example.org>\n")
        (folder / "included").write_text(
            f'[core]\n\tfsmonitor = "{self.program}"\n[alias]\n\tlog = "!{self.program}"\n'
        )

    @property
    def marks(self) -> list[str]:
        """What ran, or was traced."""
        return [f"{mark.name}: {mark.read_text()}" for mark in self.folder.glob("ran*")] + [
            f"traced: {mark.read_text()[:300]}" for mark in self.folder.glob("trace*")
        ]

    def forget(self) -> None:
        """Remove the marks."""
        for pattern in ("ran*", "trace*"):
            for mark in self.folder.glob(pattern):
                mark.unlink()

    def settings(self) -> Iterator[tuple[str, str]]:
        """Yield every setting."""
        places = {
            name.upper(): str(self.folder / name)
            for name in ("hooks", "attributes", "excludes", "mailmap", "included", "trace")
        }
        for name in dict.fromkeys((*PROGRAMS, *_known_programs())):
            yield name, str(self.program)
        for name in ALIASED:
            yield f"alias.{name}", f"!{self.program}"
        for name, value in ODD.items():
            yield name, places.get(value, value.replace("CANARY", str(self.program)))

    def set_for_repository(self, root: Path, environ: dict[str, str], *, committed: bool = True) -> None:
        """Set everything in a repository; what is `committed` stays, and other commits seem to be there."""

        def git(*arguments: str, source: bytes = b"") -> str:
            given = ["git", *arguments]
            ended = subprocess.run(given, cwd=root, env=environ, input=source, capture_output=True, check=True)
            return ended.stdout.decode().strip()

        if committed:  # an object that is replaced, and a commit that is cut off
            git(
                "replace",
                git("rev-parse", "HEAD:prod/db.yaml"),
                git("hash-object", "-w", "--stdin", source=b"replaced\n"),
            )
            head = git("rev-parse", "HEAD")
            (root / ".git" / "info" / "grafts").write_text(f"{head}\n")
        inside = root / ".git"
        shutil.copytree(self.folder / "hooks", inside / "hooks", dirs_exist_ok=True)
        (inside / "info" / "attributes").write_text(ATTRIBUTES)
        (inside / "info" / "exclude").write_text("*\n")
        (inside / "info" / "sparse-checkout").write_text("/dev\n")
        _write(inside / "config", [*self.settings(), ("core.worktree", str(root)), ("extensions.worktreeConfig", "true"),
                                   ("extensions.partialClone", "origin")])  # fmt: skip
        _write(inside / "config.worktree", [("core.fsmonitor", str(self.program))])
        text = (inside / "config").read_text()
        (inside / "config").write_text(text.replace("repositoryformatversion = 0", "repositoryformatversion = 1"))

    def set_for_user(self, settings: Path) -> None:
        """Set everything in the user's own settings, but what the user signs with."""
        signing = ("gpg.", "user.", "commit.gpgsign")
        _write(settings, [(name, value) for name, value in self.settings() if not name.lower().startswith(signing)])

    def variables(self, root: Path) -> dict[str, str]:
        """Return every variable that steers git; those for name and date, and where settings lie, are the user's."""
        program = str(self.program)
        programs = (
            "GIT_EXTERNAL_DIFF", "GIT_PAGER", "PAGER", "GIT_EDITOR", "GIT_SEQUENCE_EDITOR", "GIT_SSH",
            "GIT_SSH_COMMAND", "GIT_ASKPASS", "SSH_ASKPASS", "GIT_PROXY_COMMAND", "GIT_PYTHON_GIT_EXECUTABLE",
        )  # fmt: skip
        elsewhere = {
            "GIT_DIR": f"{root}/nowhere/.git", "GIT_WORK_TREE": "/", "GIT_INDEX_FILE": f"{root}/.git/index",
            "GIT_COMMON_DIR": "/nowhere", "GIT_OBJECT_DIRECTORY": "/nowhere", "GIT_NAMESPACE": "odd",
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": "/nowhere", "GIT_SHALLOW_FILE": "/nowhere", "GIT_PREFIX": "odd/",
            "GIT_IMPLICIT_WORK_TREE": "0", "GIT_GRAFT_FILE": f"{root}/.git/info/grafts", "GIT_CONFIG": "/nowhere",
            "GIT_EXEC_PATH": str(self.folder), "GIT_TEMPLATE_DIR": str(self.folder), "GIT_ATTR_SOURCE": "HEAD",
            "GIT_REPLACE_REF_BASE": "refs/replace", "GIT_INTERNAL_SUPER_PREFIX": "odd/",
        }  # fmt: skip
        odd = {
            "GIT_ICASE_PATHSPECS": "1", "GIT_GLOB_PATHSPECS": "1", "GIT_DEFAULT_HASH": "sha256", "GIT_FLUSH": "0",
            "GIT_DIFF_OPTS": "-u9", "GIT_ADVICE": "1", "GIT_ALLOW_PROTOCOL": "ext:file:https", "GIT_PROTOCOL": "version=2",
            "GIT_TRACE": str(self.folder / "trace-env"), "GIT_TRACE2": str(self.folder / "trace2-env"),
            "GIT_TRACE_SETUP": str(self.folder / "trace-setup"), "GIT_OPTIONAL_LOCKS": "1", "GIT_PAGER_IN_USE": "1",
            "GIT_CONFIG_PARAMETERS": f"'core.fsmonitor'='{program}'", "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "core.fsmonitor", "GIT_CONFIG_VALUE_0": program, "GIT_TEST_FSMONITOR": program,
            "LANGUAGE": "de", "LC_ALL": "C.UTF-8", "PATH": f".{os.pathsep}{root}{os.pathsep}{os.environ['PATH']}",
        }  # fmt: skip
        return {**dict.fromkeys(programs, program), **elsewhere, **odd}


def _known_programs() -> Iterator[str]:
    """Yield the settings of the installed git that by their names are programs."""
    listed = subprocess.run(
        ["git", "help", "--config-for-completion"], capture_output=True, check=False
    ).stdout.decode()
    ends = ("cmd", "command", "program", "helper", "driver", "textconv", "editor", "pager", "askpass", "hook")
    for name in listed.split():
        if name.lower().endswith(ends) and not name.startswith(("advice.", "color.", "include")):
            yield name


def _write(path: Path, settings: list[tuple[str, str]]) -> None:
    """Append settings to a file of git's; sections are opened once for each."""
    lines = [path.read_text() if path.exists() else ""]
    for name, value in settings:
        section, _, rest = name.partition(".")
        subject, _, key = rest.rpartition(".")
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'[{section}{f" {chr(34)}{subject}{chr(34)}" if subject else ""}]\n\t{key} = "{quoted}"\n')
    path.write_text("".join(lines))
