"""GitPython, which reads objects in its own way, sees in our commits what we say of them."""

from __future__ import annotations

import os

import git

from secretsync.git import Repository, Worktree
from tests.unit.git.repositories import Made
from tests.unit.git.test_history import ODD


def test_another_reader_finds_our_commit_as_we_made_it(made: Made) -> None:
    contents = {f"folder/{os.fsdecode(name)}": b"content %d\r\n" % number for number, name in enumerate(ODD)}
    made.write("unchanged", "as it was")
    base = made.commit("begin")
    ours = Repository.containing(made.root)
    worktree = Worktree(ours, str(made.root / ".git" / "ours" / "tree"), "secretsync/x")
    worktree.create(base, contents)
    for path, data in contents.items():
        target = made.root / ".git" / "ours" / "tree" / path
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(data)
    tip = worktree.commit(list(contents), "a title\n\nSecretsync-Op: x\n")
    with git.Repo(made.root) as theirs:
        commit = theirs.commit(tip)
        assert (commit.author.name, commit.author.email) == ("Test", "test@example.org")
        assert [parent.hexsha for parent in commit.parents] == [base]
        assert commit.message == "a title\n\nSecretsync-Op: x\n"
        (entry, *_) = ours.log(tip, without=base)
        assert entry.date == commit.committed_datetime.isoformat()
        found = {os.fsencode(blob.path): blob.data_stream.read() for blob in commit.tree["folder"].blobs}
        assert found == {os.fsencode(path): data for path, data in contents.items()}
        assert commit.tree["unchanged"].data_stream.read() == b"as it was"
