"""Deciding the conflicts of one file with a person: what was chosen beforehand, what is asked, and what an editor gives."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from secretsync.cli._editor import edit_text
from secretsync.cli._files import FileTarget
from secretsync.cli._hand_merges import lines_of, warn_of
from secretsync.cli._options import InputType, Opening
from secretsync.cli._output import write_lines
from secretsync.cli._rules import rules_in_force
from secretsync.cli._terminal import choose, confirm, say, warn
from secretsync.documents.pairing import same_values
from secretsync.errors import FileAccessError, MacMismatchError, MissingFileError, PolicyError, SecretsyncError
from secretsync.git.file_versions import FileVersions
from secretsync.git.unfinished import MergeStages
from secretsync.keyring.naming import FileRule, deciding
from secretsync.letters import argument
from secretsync.merging.by_rule import departures
from secretsync.merging.conflicts import Choices, Side
from secretsync.merging.files import MergedFile, Texts, merge_files
from secretsync.merging.repairing import hand_merge
from secretsync.merging.resolving import Resolution
from secretsync.sops import metadata
from secretsync.sops.open_file import OpenOptions, load, open_file

_SIDES = ("ours", "theirs")
_GO_ON = "git log -p -- FILE; where the file is right as it stands: secretsync resolve --keep FILE"
_CHOOSE = "take one side: --all-ours or --all-theirs, or --ours PATH and --theirs PATH"


@dataclass(frozen=True)
class Resolver:
    """Decides the merge of the file `path`, under the rules that are here, or those of `config`."""

    path: str
    config: str | None
    allow_demo_keys: bool = False

    def at(self, path: str) -> Resolver:
        """Return the same for another file."""
        return Resolver(path, self.config, self.allow_demo_keys)

    @cached_property
    def target(self) -> FileTarget:
        """The file and its store."""
        return InputType().target(self.path)

    @cached_property
    def options(self) -> OpenOptions:
        """How a version of the file is opened."""
        return Opening(allow_demo_keys=self.allow_demo_keys).options(self.target)

    @cached_property
    def rules(self) -> list[FileRule]:
        """The rules that are for the file, which stand in the work tree."""
        return rules_in_force(self.config).rules_for(self.path)

    def resolution(self, versions: MergeStages) -> Resolution:
        """Return the merge of three versions. Raises: as `merging.merge_files`, placed at the file."""
        texts = Texts(versions.base or b"", versions.ours or b"", versions.theirs or b"")
        rule = deciding(self.rules)

        def merge(choices: Choices) -> MergedFile:
            keys, now = self.options.keys, datetime.now(UTC)
            return merge_files(texts, path=self.path, keys=keys, rule=rule, now=now, choices=choices)

        found = Resolution(texts, self.options, merge)
        try:
            found.conflicts  # noqa: B018  # the sides are opened here, where it can be said how to go on without them
        except SecretsyncError as error:
            error.hint = _GO_ON
            raise error.naming(self.path).at(self.path) from None
        return found

    def decided(self, resolution: Resolution, chosen: Mapping[int, Side], before: bytes | None) -> bytes:
        """Return the file once every conflict is decided. Raises: as `edit`; ConfigError where nobody can be asked."""
        for note in resolution.undecided.notes:
            warn(f"{self.path}: {note}")
        if not chosen and before is not None and self._is_by_hand(before, resolution) and self._accepts(before):
            return before
        choices = {**chosen, **self._of_metadata(resolution, chosen)}
        left = resolution.left(choices)
        for one in left:
            say(f"{self.path}: {resolution.place(one)}: {one.kind.value}", kind="conflict")
        if left and self.target.store.ONE_VALUE:
            choices |= resolution.all_chosen(self._side("whose file is taken, as a whole"))
            left = []
        if not left:
            result = self.target.placing(lambda: resolution.file(choices, now=datetime.now(UTC)))
        else:
            text = self.target.placing(lambda: resolution.text(choices))
            result = edit_text(
                text,
                self.path,
                lambda edited: self.target.placing(lambda: resolution.edited(choices, edited, now=datetime.now(UTC))),
            )
        self._warn_of_metadata(result)
        return result

    def kept_or_deleted(self, versions: MergeStages, rest: Side | None) -> bytes | None:
        """Return the file that one side changed and the other deleted, or None where it goes; a person decides."""
        here = versions.ours is not None
        if rest is None:
            question = (
                f"{self.path} was {'changed here and deleted there' if here else 'deleted here and changed there'}"
            )
            hint = f"--all-{_SIDES[not here]} keeps it, --all-{_SIDES[here]} deletes it"
            keep = choose(f"{question}:", ("keep", "delete"), hint=hint) == "keep"
        else:
            keep = (rest is Side.OURS) is here
        data = versions.ours if here else versions.theirs
        if not keep:
            return None
        assert data is not None  # one side has it
        self.target.placing(lambda: open_file(data, self.options))
        return data

    def require_accepted(self, data: bytes | None, *, yes: bool) -> None:
        """Refuse a file as it stands that is no sound file of its rule, or that a person does not want so.

        Raises:
            As `open_file`; PolicyError: it is not what its rule asks for, or nobody accepts it.
        """
        if data is None:
            raise MissingFileError("does not exist", location=self.path)
        self._show(data)
        if not yes and not confirm(_ACCEPT, hint="--keep says so beforehand"):
            raise PolicyError("was not accepted, and its merge is not finished", location=self.path)

    def _show(self, data: bytes) -> None:
        """Show what a sound file holds that the sides do not. Raises: as `require_accepted`."""
        self.target.placing(lambda: open_file(data, self.options))
        versions = self.target.placing(lambda: FileVersions.of(self.path, data))
        merge = self.target.placing(lambda: hand_merge(data, versions.neighbours, self.options, versions.others()))
        warn_of(self.path, merge, versions)
        write_lines(lines_of(merge, self.target.placing(lambda: merge.changes(versions.earlier()))))
        self.target.placing(lambda: merge.require_metadata(self.rules, one_value=self.target.store.ONE_VALUE))

    def _accepts(self, data: bytes) -> bool:
        if not sys.stdin.isatty():
            return False
        self._show(data)
        return confirm(_ACCEPT)

    def _is_by_hand(self, data: bytes, resolution: Resolution) -> bool:
        """Whether a file is sound, and holds something else than ours, or than what the merge driver made."""
        try:
            here = open_file(data, self.options).plain.documents
        except FileAccessError:
            raise
        except MacMismatchError:
            warn(f"{self.path}: what stands in it is not used; to keep it: secretsync repair {argument(self.path)}")
            return False
        except SecretsyncError:
            return False
        for other in (resolution.texts.ours, resolution.undecided.text):
            there = open_file(other, self.options).plain.documents
            if len(here) == len(there) and all(map(same_values, here, there)):
                return False
        return True

    def _of_metadata(self, resolution: Resolution, chosen: Mapping[int, Side]) -> dict[int, Side]:
        """Ask whose recipients and selector are taken."""
        found = {}
        for one in resolution.of_metadata():
            if one.number not in chosen:
                question = f"{self.path}: {one.kind.value} {one.detail}; whose are taken"
                found[one.number] = self._side(question)
        return found

    def _side(self, question: str) -> Side:
        return Side(choose(f"{question}?", _SIDES, hint=f"{_CHOOSE}; --ours sops for recipients and selector"))

    def _warn_of_metadata(self, data: bytes) -> None:
        found = metadata.split(load(data, self.options).documents)[1]
        for text in departures(found, self.rules, self.options.keys, one_value=self.target.store.ONE_VALUE):
            warn(f"{self.path}: {text}")


_ACCEPT = "is the file resolved as it stands?"
