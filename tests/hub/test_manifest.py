"""What a person is shown before a push."""

import pytest

from hftk.hub.manifest import Entry, LeftOut, Manifest, manifest_lines, size_text


def test_the_whole_list():
    manifest = Manifest(
        (Entry("README.md", b"abc", 3), Entry("model.safetensors", b"", 268_000_000)),
        (LeftOut("checkpoints/", 999_960, "for going on with the training"),),
    )
    assert manifest.size == 268_000_003
    assert manifest_lines(manifest) == [
        "goes up: 2 files, 268.0 MB",
        "  README.md               3 B",
        "  model.safetensors  268.0 MB",
        "stays here:",
        "  checkpoints/         1.0 MB  for going on with the training",
    ]


def test_nothing_left_out():
    assert manifest_lines(Manifest((Entry("a", b"", 0),), ())) == ["goes up: 1 file, 0 B", "  a       0 B"]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (1_340_000_000, "1.3 GB"),
    ]
    + [(2 * 10**12, "2.0 TB")],
)
def test_sizes(size, text):
    assert size_text(size) == text
