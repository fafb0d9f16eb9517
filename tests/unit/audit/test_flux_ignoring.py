"""What source-controller leaves out of an artifact: the last pattern that matches a path, or a folder above it, decides."""

from __future__ import annotations

import pytest

from secretsync.audit.flux.ignoring import is_left_out, patterns


@pytest.mark.parametrize(
    ("lines", "path", "left_out"),
    [
        ([], "apps/a.yaml", False),
        ([], ".sops.yaml", True),
        ([], "apps/.sops.yaml", True),
        ([], ".github/workflows/a.yaml", True),
        ([], "docs/picture.png", True),
        (["# a comment", "", "/apps/"], "apps/a.yaml", True),
        (["/apps/"], "deploy/apps/a.yaml", False),
        (["apps/"], "deploy/apps/a.yaml", True),
        (["apps/"], "apps", False),
        (["*.md"], "deep/down/a.md", True),
        (["deploy/*.yaml"], "deploy/a.yaml", True),
        (["deploy/*.yaml"], "deploy/deep/a.yaml", False),
        (["/*", "!/deploy"], "deploy/deep/a.yaml", False),
        (["/*", "!/deploy"], "apps/a.yaml", True),
        (["apps/", "!apps/kept.yaml"], "apps/kept.yaml", False),
        (["!.sops.yaml"], ".sops.yaml", False),
        (["[", "/apps"], "apps/a.yaml", True),
    ],
)
def test_the_last_pattern_decides(lines: list[str], path: str, left_out: bool) -> None:
    assert is_left_out(path, list(patterns(lines))) is left_out


def test_a_file_in_a_folder_speaks_of_that_folder_only() -> None:
    found = list(patterns(["/a.yaml"], "apps"))
    assert is_left_out("apps/a.yaml", found)
    assert not is_left_out("a.yaml", found)
    assert not is_left_out("other/a.yaml", found)
