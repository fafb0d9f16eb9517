"""Every failure a user can meet: one class per cause, each with its exit codes, a location and a remedy.

A message is one line that is enough on its own and never holds a secret value. The two entry points
(`cli/`, `hooks/`) are the only places that catch `SecretsyncError` and turn it into an exit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from secretsync.late import LateModule

if TYPE_CHECKING:
    import secretsync.letters as letters
    import secretsync.privatekeys as privatekeys
else:
    letters = LateModule("secretsync.letters")  # only for hints that are pasted into a shell
    privatekeys = LateModule("secretsync.privatekeys")  # no good input needs it

PROGRAM: Final = "secretsync"
"""What every line for people starts with, whichever entry point says it."""

# Exit codes of what no class below stands for.
USAGE: Final = 2  # the command line is wrong
PARTIAL: Final = 13  # a runbook did what it could here, and something is left for others
BUG: Final = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED: Final = 130  # 128 + SIGINT
BROKEN_PIPE: Final = 141  # 128 + SIGPIPE, as a shell reports a program that a closed pipe ended

REPORT: Final = "please report the lines above, they hold no values"

_MAX_SHOWN: Final = 80
_MAX_UNKNOWN: Final = 8
_PRIVATE: Final = ("AGE-SECRET-KEY-", "AGE-PLUGIN-", "PRIVATE KEY")


def shortened(name: str) -> str:
    """Return a public name for a message: whole, or both ends of it where it is as long as a post-quantum key.

    A private key in its place is never shown, nor is any part of it.
    """
    name = without_private_keys(name)
    return name if len(name) <= _MAX_SHOWN else f"{name[:16]}…{name[-16:]}"


def beginning(text: str) -> str:
    """Return how a value begins that is not what it should be, and may be anything: too little to give it away."""
    return text if len(text) <= _MAX_UNKNOWN else f"{text[:_MAX_UNKNOWN]}…"


def without_private_keys(text: str) -> str:
    """Return a text for people or machines without the private keys that somebody put into it."""
    if "-" not in text or not any(mark in text.upper() for mark in _PRIVATE):
        return text
    return privatekeys.redacted(text)


def one_line(text: str) -> str:
    """Return `text` with what would start a line of its own or steer a terminal as an escape: names come from strangers."""
    text = without_private_keys(text)
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


class SecretsyncError(Exception):
    """The root of every expected failure.

    `location` says where: `file`, `file#document`, `file#document tree.path`. `hint` is the command or the change that
    helps. `exit_code` is what `render`, hooks and `check` exit with; `sops_exit_code` is what the file commands exit
    with, where sops has a code for the same cause (ADR 0008). `answer` is what a protocol wants on standard output
    although the call failed, as KRM functions do; it is empty everywhere else.
    """

    exit_code: ClassVar[int] = BUG
    sops_exit_code: ClassVar[int | None] = None
    rule: ClassVar[str] = "error"
    answer: bytes = b""

    def __init__(self, message: str, *, location: str | None = None, hint: str | None = None) -> None:
        self.message = without_private_keys(message)
        super().__init__(self.message)
        self.location = without_private_keys(location) if location else location
        self.hint = without_private_keys(hint) if hint else hint

    def __str__(self) -> str:
        return one_line(f"{self.location}: {self.message}" if self.location else self.message)

    def naming(self, file: str) -> SecretsyncError:
        """Return this error, whose hint names `file` where it said `FILE`, as a shell takes it."""
        if self.hint and "FILE" in self.hint:
            self.hint = self.hint.replace("FILE", letters.argument(file))
        return self

    def at(self, location: str) -> SecretsyncError:
        """Return this error, placed at `location` in front of what it already says of its place."""
        inner = self.location or ""
        self.location = f"{location}{inner}" if inner.startswith("#") else f"{location} {inner}".strip()
        return self


# --- 3: configuration ---------------------------------------------------------------------------------------------


class ConfigError(SecretsyncError):
    """`.sops.yaml`, a hook's configuration or the environment is wrong."""

    exit_code = 3
    sops_exit_code = 1
    rule = "configuration"


class ConflictingOptionsError(ConfigError):
    """Two options, or an option and a rule, exclude each other."""

    sops_exit_code = 8
    rule = "conflicting-options"


class PrivateKeyGivenError(ConfigError):
    """A private key stands where a public one is due: on a command line, in a variable, a rule or the key ring."""

    rule = "private-key-given"


class DuplicateKeyTypeError(ConfigError):
    """The decryption order names a kind of key twice."""

    sops_exit_code = 112
    rule = "kind-of-key-named-twice"


class NoMatchingRuleError(ConfigError):
    """No creation rule of `.sops.yaml` matches the file, and no recipients were given."""

    rule = "no-matching-creation-rule"


# --- 2: the command line -------------------------------------------------------------------------------------------


class ParameterError(ConfigError):
    """A parameter of a runbook is not of its kind: no day, no number, no name, no public key."""

    exit_code = 2
    rule = "wrong-parameter"


# --- 4: the input is not what it claims to be ---------------------------------------------------------------------


class FormatError(SecretsyncError):
    """The input cannot be read as what it claims to be."""

    exit_code = 4
    sops_exit_code = 2
    rule = "malformed-input"


class ParseError(FormatError):
    """The text is not valid YAML, JSON, dotenv or INI, or not valid UTF-8."""

    rule = "parse-error"


class ConflictMarkersError(ParseError):
    """A merge of Git left its conflict markers in a file."""

    rule = "conflict-markers"


class DuplicateKeyError(ParseError):
    """A mapping holds the same key twice."""

    rule = "duplicate-key"


class LimitError(FormatError):
    """The input is larger, deeper or has more aliases or documents than the limits allow."""

    rule = "limit-exceeded"


class TreeError(FormatError):
    """The tree cannot be encrypted or decrypted: a key that is no string, a root that is no mapping, an unknown type."""

    sops_exit_code = 23
    rule = "tree"


class CiphertextFormatError(FormatError):
    """A value is not in sops' `ENC[…]` form where ciphertext is due (plaintext, truncated, unknown type)."""

    sops_exit_code = 25
    rule = "malformed-ciphertext"


class MetadataError(FormatError):
    """The `sops` block is missing or damaged."""

    sops_exit_code = 1
    rule = "sops-metadata"


class AlreadyEncryptedError(FormatError):
    """The file to encrypt already has a top-level `sops` key."""

    sops_exit_code = 203
    rule = "already-encrypted"


class EmptyFileError(FormatError):
    """The file to encrypt holds no document."""

    sops_exit_code = 92
    rule = "empty-file"


class ConversionError(FormatError):
    """The output format cannot hold the tree, or would lose a part of it."""

    sops_exit_code = 4
    rule = "conversion"


class TreePathError(FormatError):
    """A path into the tree is not of the form `["key"][0]`."""

    sops_exit_code = 91
    rule = "tree-path"


class PathNotFoundError(FormatError):
    """A path into the tree leads nowhere."""

    sops_exit_code = 1
    rule = "not-found"


class ValueFormatError(FormatError):
    """A value given to `set` is not JSON, or its path is not one."""

    sops_exit_code = 7
    rule = "bad-value"


class EnvironmentValueError(FormatError):
    """A key or value of a file cannot be a variable of a command's environment."""

    sops_exit_code = 1
    rule = "environment-value"


class ManifestError(FormatError):
    """A Kubernetes object is not valid: no name, a value that is no string, bad base64."""

    rule = "invalid-manifest"


class CertificateError(FormatError):
    """A sealing certificate cannot be used: not RSA, too short, not yet valid, not a certificate."""

    rule = "sealing-certificate"


class PrivateKeyError(FormatError):
    """A file given as private keys holds none that can be used: encrypted, another kind, or no key at all."""

    rule = "private-key"


class AgeHeaderError(FormatError):
    """An age file's header is malformed or of an unknown version."""

    sops_exit_code = 128
    rule = "age-header"


class AgeArmorError(FormatError):
    """An age file's ASCII armor is malformed."""

    sops_exit_code = 128
    rule = "age-armor"


# --- 5: no key ----------------------------------------------------------------------------------------------------


class NoIdentityMatchError(SecretsyncError):
    """Every key that could open the data key was tried, and none does; the message names each with its reason."""

    exit_code = 5
    sops_exit_code = 128
    rule = "no-key"


class IncorrectIdentityError(SecretsyncError):
    """This identity does not open this envelope: try the next one (never shown on its own)."""

    exit_code = 5
    sops_exit_code = 128
    rule = "not-this-key"


# --- 6: key services ----------------------------------------------------------------------------------------------


class KeyServiceError(SecretsyncError):
    """A key service, agent or plugin is unreachable, denies or dies."""

    exit_code = 6
    sops_exit_code = 128
    rule = "key-service"


class MissingDependencyError(KeyServiceError):
    """An optional dependency or a program is not installed."""

    rule = "missing-dependency"


# --- 7: integrity -------------------------------------------------------------------------------------------------


class IntegrityError(SecretsyncError):
    """Something was changed after encryption, or the key is wrong."""

    exit_code = 7
    rule = "integrity"


class MacMismatchError(IntegrityError):
    """The file's MAC does not hold over its values."""

    sops_exit_code = 51
    rule = "mac-mismatch"


class ProofError(IntegrityError):
    """A rotated file does not hold what a rotation promises, so it is not committed."""

    rule = "proof"


class AuthenticationTagError(IntegrityError):
    """A ciphertext does not authenticate under its key and path."""

    sops_exit_code = 25
    rule = "authentication"


class AgeHeaderMacError(IntegrityError):
    """An age file's header was changed after encryption."""

    sops_exit_code = 128
    rule = "age-header-mac"


class AgePayloadError(IntegrityError):
    """An age file's payload is damaged, truncated or extended."""

    sops_exit_code = 128
    rule = "age-payload"


# --- 8: sealed secrets --------------------------------------------------------------------------------------------


class UnsealError(SecretsyncError):
    """A sealed item opens with none of the private keys, under this name, namespace and scope."""

    exit_code = 8
    rule = "unseal"


class TemplateActionError(UnsealError):
    """A SealedSecret's template holds Go template actions, which only the controller can render."""

    rule = "template"


# --- 9, 10: outside systems ---------------------------------------------------------------------------------------


class ClusterError(SecretsyncError):
    """The Kubernetes API refuses or is unreachable."""

    exit_code = 9
    rule = "cluster"


class UnreachableError(ClusterError):
    """The cluster does not answer, or the connection broke off: nobody knows what became of what was sent last."""

    rule = "unreachable"


class RepositoryError(SecretsyncError):
    """Git refuses, or the repository is not in a state to work on."""

    exit_code = 10
    rule = "repository"


class OperationRunningError(RepositoryError):
    """Another rotation is at work in the repository."""

    rule = "operation-running"


class PlanProblemError(RepositoryError):
    """A plan has problems, or is no longer what would be done, so nothing is written."""

    rule = "plan"


# --- 11: refused on purpose ---------------------------------------------------------------------------------------


class PolicyError(SecretsyncError):
    """Refused on purpose: the request is possible, and unsafe."""

    exit_code = 11
    rule = "refused"


class PlaintextError(PolicyError):
    """Secret values would leave in the clear where ciphertext is due."""

    rule = "plaintext-refused"


class ExpiredCertificateError(PolicyError):
    """The sealing certificate has expired and `--allow-expired` was not given."""

    rule = "expired-certificate"


class DemoKeyError(PolicyError):
    """A demo identity, whose private key is public, was about to protect something real."""

    rule = "demo-key-refused"


# --- 12: files ----------------------------------------------------------------------------------------------------


class FileAccessError(SecretsyncError):
    """A file cannot be read or written."""

    exit_code = 12
    sops_exit_code = 2
    rule = "file-access"


class MissingFileError(FileAccessError):
    """A named file does not exist."""

    sops_exit_code = 100
    rule = "missing-file"


class EscapeError(FileAccessError):
    """A path or symbolic link leads out of the tree it must stay in, or to something that is no regular file."""

    rule = "path-escape"


class ChangedFileError(FileAccessError):
    """A file changed while it was being read or before its new version was put in place."""

    rule = "file-changed"


class UnchangedFileError(FileAccessError):
    """The editor left the file as it was, so nothing was written."""

    sops_exit_code = 200
    rule = "unchanged"


class EditorError(FileAccessError):
    """The editor is missing or failed, so nothing was written."""

    sops_exit_code = 201
    rule = "editor"


# --- 130: interrupted ---------------------------------------------------------------------------------------------


class InterruptedRunError(SecretsyncError):
    """A person interrupted a long operation; what it has done is kept, and the hint says how to go on."""

    exit_code = INTERRUPTED
    sops_exit_code = INTERRUPTED
    rule = "interrupted"
