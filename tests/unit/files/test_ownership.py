"""Who can have written a file: owner and mode, of the file and of every folder and link on the way to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from secretsync import ownership
from secretsync.errors import FileAccessError, MissingFileError, PolicyError
from secretsync.hooks.checkout import refuse_below
from secretsync.ownership import trusted

NOBODY = 65534
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away, as kubelet does")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file two folders deep, all of them as they should be."""
    folder = tmp_path / "etc" / "secretsync"
    folder.mkdir(parents=True, mode=0o755)
    path = folder / "hook.yaml"
    path.write_text("kind: HookConfiguration\n")
    path.chmod(0o644)
    return path


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o444, 0o600, 0o640, 0o644, 0o755])
def test_a_file_that_others_can_only_read_is_trusted(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert trusted(str(file)) == str(file)


@pytest.mark.parametrize("mode", [0o602, 0o620, 0o660, 0o664, 0o666, 0o777])
def test_a_file_that_others_can_write_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(PolicyError, match=f"mode {mode:04o}") as caught:
        trusted(str(file))
    assert (caught.value.location, caught.value.hint) == (str(file), f"chmod go-w {file}")


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757, 0o2775, 0o2777])
@pytest.mark.parametrize("level", [0, 1])
def test_a_folder_that_others_can_write_is_refused_at_every_level(file: Path, mode: int, level: int) -> None:
    folder = file.parents[level]
    folder.chmod(mode)
    with pytest.raises(PolicyError, match="may be written by other users") as caught:
        trusted(str(file))
    assert caught.value.hint == f"chmod go-w {folder}"


def test_links_are_resolved_and_their_folders_judged(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.yaml"
    link.symlink_to("etc/../etc/secretsync/hook.yaml")
    assert trusted(str(link)) == str(file)
    loose = tmp_path / "loose"
    loose.mkdir()
    (loose / "hook.yaml").symlink_to(file)
    assert trusted(str(loose / "hook.yaml")) == str(file)
    loose.chmod(0o777)
    with pytest.raises(PolicyError, match="loose"):
        trusted(str(loose / "hook.yaml"))
    file.chmod(0o666)
    with pytest.raises(PolicyError, match=r"secretsync/hook\.yaml may be written"):
        trusted(str(link))


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(FileAccessError):
        trusted(str(tmp_path / "a"))


def test_a_path_through_a_process_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not os.path.isdir("/proc/self"):
        pytest.skip("no /proc here")
    monkeypatch.chdir(file.parent)
    for path in ("/proc/self/cwd/hook.yaml", "/proc/self/root/etc/passwd", f"/proc/{os.getpid()}/cwd/hook.yaml"):
        with pytest.raises(PolicyError, match="leads through /proc"):
            trusted(path)
    assert trusted("hook.yaml") == str(file)


def test_the_pipe_of_a_shell_is_trusted() -> None:
    reading, writing = os.pipe()
    try:
        assert trusted(f"/dev/fd/{reading}") == f"/dev/fd/{reading}"
    finally:
        os.close(reading)
        os.close(writing)


def test_what_is_not_there_is_missing(file: Path) -> None:
    with pytest.raises(MissingFileError):
        trusted(str(file.parent / "other.yaml"))
    with pytest.raises(FileAccessError):
        trusted(str(file / "below"))


def test_a_platform_without_user_ids_is_not_judged(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.chmod(0o666)
    monkeypatch.delattr(os, "getuid")
    assert trusted(str(file)) == str(file)


@needs_root
def test_what_belongs_to_another_user_is_refused_and_what_is_roots_is_not(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for strange in (file, file.parent, file.parents[1]):
        os.chown(strange, NOBODY, -1)
        with pytest.raises(PolicyError, match=f"belongs to user {NOBODY}") as caught:
            trusted(str(file))
        assert caught.value.hint == f"chown root {strange}"
        monkeypatch.setattr(os, "getuid", lambda: NOBODY)  # the same tree, read by its owner
        assert trusted(str(file)) == str(file)
        monkeypatch.undo()
        os.chown(strange, 0, -1)


@needs_root
def test_a_sticky_folder_is_trusted_only_where_it_is_roots(file: Path) -> None:
    file.parent.chmod(0o1777)
    assert trusted(str(file)) == str(file)
    os.chown(file.parent, NOBODY, -1)
    with pytest.raises(PolicyError):
        trusted(str(file))


@needs_root
def test_a_link_of_another_user_is_refused_where_anybody_may_put_one(file: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    link = shared / "hook.yaml"
    link.symlink_to(file)
    assert trusted(str(link)) == str(file)
    os.lchown(link, NOBODY, -1)
    with pytest.raises(PolicyError, match=f"belongs to user {NOBODY}"):
        trusted(str(link))


def test_an_absolute_path_needs_no_current_folder(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert trusted(str(file)) == str(file)
    with pytest.raises(MissingFileError):
        trusted("hook.yaml")
    with pytest.raises(FileAccessError):
        refuse_below(str(file))


def mounted_by_kubelet(folder: Path, *, fs_group: int | None, sticky: bool) -> Path:
    """Lay a volume out as kubelet's atomic writer does; with a group its folders are setgid, its files group-readable."""
    current = folder / "..2026_11_27_15_00_00.123456789"
    current.mkdir(parents=True)
    (current / "hook.yaml").write_text("kind: HookConfiguration\n")
    (folder / "..data").symlink_to(current.name)
    (folder / "hook.yaml").symlink_to("..data/hook.yaml")
    (current / "hook.yaml").chmod(0o644)
    current.chmod(0o755)
    folder.chmod(0o1777 if sticky else 0o777)
    if fs_group is not None:
        for path, more in ((current / "hook.yaml", 0o440), (current, 0o2550), (folder, 0o2550)):
            os.chown(path, -1, fs_group)
            path.chmod(path.stat().st_mode | more)
    return folder / "hook.yaml"


@needs_root
@pytest.mark.parametrize("fs_group", [None, 2000])
@pytest.mark.parametrize("user", [0, 999])
def test_a_secret_as_kubelet_mounts_it_is_trusted(
    fs_group: int | None, user: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = mounted_by_kubelet(tmp_path / "secretsync", fs_group=fs_group, sticky=True)
    monkeypatch.setattr(os, "getuid", lambda: user)
    assert trusted(str(path)).endswith("/..2026_11_27_15_00_00.123456789/hook.yaml")


IN_A_MOUNT = """\
import os, subprocess, sys
from pathlib import Path
from secretsync.ownership import trusted
from secretsync.errors import PolicyError
from tests.unit.files.test_ownership import mounted_by_kubelet
volume, seen = Path(sys.argv[1]), Path(sys.argv[2])
path = mounted_by_kubelet(volume, fs_group=2000, sticky=False)
try:
    sys.exit(f"a folder of mode 0777 was trusted: {trusted(str(path))}")
except PolicyError:
    pass
subprocess.run(["mount", "--bind", volume, seen], check=True)
subprocess.run(["mount", "-o", "remount,bind,ro", seen], check=True)
print(trusted(str(seen / "hook.yaml")))
"""


@needs_root
def test_a_config_map_is_trusted_where_the_container_sees_it_read_only(tmp_path: Path) -> None:
    if not shutil.which("unshare") or subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        pytest.skip("no mounts of its own for a process here")
    seen = tmp_path / "seen"
    seen.mkdir()
    command = ["unshare", "-m", sys.executable, "-c", IN_A_MOUNT, str(tmp_path / "volume"), str(seen)]
    outcome = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=Path(ownership.__file__).parents[1]
    )
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.startswith(str(seen))
