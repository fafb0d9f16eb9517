"""Whether a file of some commit keeps what an operation promised of it, be it what was written or honestly changed since.

What needs no key is asked of every file: recipients, and that no ciphertext of before came back. Whoever has a key gets
the whole proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from secretsync.errors import NoIdentityMatchError, SecretsyncError
from secretsync.keyring.model import normalised
from secretsync.letters import counted
from secretsync.rotation.file_metadata import options_for
from secretsync.rotation.file_worker import FileWork, Proof
from secretsync.rotation.model import FilePlan
from secretsync.rotation.proving import Verdict
from secretsync.rotation.rewrapping import recipients
from secretsync.rotation.sealed_files import sealed_items
from secretsync.sops import metadata
from secretsync.sops.comparison import of_file
from secretsync.sops.open_file import load, open_file
from secretsync.sops.recognition import ciphertexts

FILES: Final = "files"
"""The check that needs no key."""

_COMPARED: Final = ("V4", "V9")
"""What only holds as long as nobody changed a value."""


class JudgedFile(NamedTuple):
    """A file to judge. `proof` says with what; its blob is the judged one.

    `whole`: nobody can have changed a value since. `earlier` are the blobs of before, which must not come back.
    `others` are plans for the same file by the key ring of the judged commit, for a file that was changed since.
    """

    proof: Proof
    whole: bool
    earlier: frozenset[str] = frozenset()
    others: tuple[FilePlan, ...] = ()

    @property
    def path(self) -> str:
        """Where it lies."""
        return self.proof.file.path


class JudgedAs(NamedTuple):
    """What a file comes to: the verdicts, and whether no key here opens it, so that some could not be reached.

    `compared`: its values were compared with those of before, or need not be.
    """

    verdicts: list[Verdict]
    closed: bool = False
    compared: bool = True


class JudgingWork(FileWork):
    """The work on single files, and the judging of one."""

    def judge(self, task: JudgedFile) -> JudgedAs:
        """Return the verdicts on a file of a commit."""
        data = self._objects().read(task.proof.written)
        file, failures = task.proof.file, []
        if task.proof.written == file.blob:
            failures.append("is as it was before the operation")
        elif task.proof.written in task.earlier:
            failures.append("is an older version of itself")
        elif file.operation == "re-seal":
            failures += self._sealed_again(task, data)
        else:
            file, found = self._as_planned(task, data)
            failures += found
        verdict = Verdict(FILES, 1, [f"{task.path}: {failure}" for failure in failures])
        if failures:
            return JudgedAs([verdict])
        return self._proved(task, file, data, verdict)

    def _as_planned(self, task: JudgedFile, data: bytes) -> tuple[FilePlan, list[str]]:
        """Return the plan whose recipients a file has, and what is wrong with it without opening it."""
        options = options_for(task.path, data, self._keys)
        try:
            found = metadata.split(load(data, options).documents)[1]
            present = [sorted(normalised(one) for one in group) for group in of_file(found, self._keys)]
        except SecretsyncError as error:
            return task.proof.file, [f"does not read: {error}"]
        for file in (task.proof.file, *task.others):
            wanted = [sorted(group) for group in recipients(file, task.proof.names)]
            if (present, found.shamir_threshold) == (wanted, file.threshold):
                return file, list(self._brought_back(task, data))
        failures = ["its recipients, groups or threshold are not those of the policy", *self._brought_back(task, data)]
        return task.proof.file, failures

    def _brought_back(self, task: JudgedFile, data: bytes) -> Iterator[str]:
        """Yield that ciphertext under a data key of before came back."""
        if task.proof.file.operation != "rotate":
            return
        present, reader = ciphertexts(data), self._objects()
        for blob in sorted({task.proof.file.blob, *task.earlier}):
            kept = present & ciphertexts(reader.read(blob))
            if kept:
                yield f"{counted(len(kept), 'value')} with the same ciphertext as before the operation"
                return

    def _sealed_again(self, task: JudgedFile, data: bytes) -> Iterator[str]:
        """Yield that items which were to be sealed anew are as they were."""
        try:
            now = {one.text for one in sealed_items(data)}
        except SecretsyncError as error:
            yield f"does not read: {error}"
            return
        numbers = {item.number for item in task.proof.file.sealed}
        old = sealed_items(self._objects().read(task.proof.file.blob))
        yield from (f"{one.place} is sealed as before" for one in old if one.number in numbers and one.text in now)

    def _proved(self, task: JudgedFile, file: FilePlan, data: bytes, kept: Verdict) -> JudgedAs:
        """Return the proof of a file, as far as keys here go."""
        if file.operation == "re-seal":
            found = self.prove(task.proof) if task.whole else []
            compared = sum(one.checked for one in found if one.check == "V4")
            return JudgedAs([kept, *found], not task.whole, not task.whole or compared == len(file.sealed))
        found = self.prove(task.proof._replace(file=file))
        if len(found) == 1 and self._is_closed(task, data):
            return JudgedAs([kept], closed=True, compared=False)
        compared = sum(one.checked for one in found if one.check in _COMPARED)
        verdicts = [kept, *(one for one in found if task.whole or one.check not in _COMPARED)]
        return JudgedAs(verdicts, compared=not task.whole or compared > 0)

    def _is_closed(self, task: JudgedFile, data: bytes) -> bool:
        try:
            open_file(data, options_for(task.path, data, self._keys))
        except NoIdentityMatchError:
            return True
        except SecretsyncError:
            return False
        return False
