import os
import time

import pytest

from hftk.errors import RunError
from hftk.sweep import history as module
from hftk.sweep.exclusive import exclusive
from hftk.sweep.history import Attempt, append_event, mend, read_history


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.jsonl"


def fill(path, *events) -> list[bytes]:
    """A ledger with these (event, run); returns its lines."""
    for event, run in events:
        append_event(path, event, {"run": run, "identity": "1"})
    return path.read_bytes().splitlines(keepends=True)


def told(path) -> list[tuple[str, str]]:
    return [(event["event"], event.get("run")) for event in read_history(path).events]


STORY = [("started", "a"), ("failed", "a"), ("started", "b"), ("finished", "b")]


def test_what_was_written_is_read(path):
    fill(path, *STORY)
    history = read_history(path)
    assert told(path) == STORY
    assert (history.damaged, history.notice, history.size) == ([], None, path.stat().st_size)
    assert read_history(path.with_name("none")).events == []


def test_any_text_comes_back(path):
    reason = '임베딩 \u2028 \x00 \\ " \udcff , "check": "00000000"}\n'
    append_event(path, "failed", {"run": "a", "reason": reason, "loss": float("nan")})
    assert read_history(path).events[0]["reason"] == reason
    assert path.read_bytes().count(b"\n") == 1


def test_a_part_is_read_from_a_line_on(path):
    fill(path, *STORY[:2])
    size = read_history(path).size
    fill(path, *STORY[2:])
    assert [event["run"] for event in read_history(path, start=size).events] == ["b", "b"]
    assert read_history(path, start=10**6).events == []


# damage


def test_a_last_line_cut_anywhere_is_taken_out_and_the_next_one_is_whole(path):
    *before, last = fill(path, *STORY)
    for cut in (1, 2, *range(3, len(last) - 2, 7), len(last) - 2):
        path.with_name("ledger.cut").unlink(missing_ok=True)
        path.write_bytes(b"".join(before) + last[:cut])
        append_event(path, "started", {"run": "c"})
        history = read_history(path)
        assert told(path) == [*STORY[:3], ("mended", None), ("started", "c")]
        assert history.damaged == []
        assert history.events[-2]["bytes"] == cut
        assert path.with_name("ledger.cut").read_bytes() == last[:cut] + b"\n"


def test_a_last_line_that_lacks_only_its_end_counts(path):
    fill(path, *STORY)
    path.write_bytes(path.read_bytes()[:-1])
    assert told(path) == STORY
    assert mend(path) is None
    append_event(path, "started", {"run": "c"})
    assert told(path) == [*STORY, ("started", "c")]
    assert not path.with_name("ledger.cut").exists()


@pytest.mark.parametrize("tail", [b"\x00" * 200_000, b"{", b"\xff\xfe"], ids=["zeros", "brace", "bytes"])
def test_a_tail_of_anything_is_cut_and_told(path, tail):
    fill(path, *STORY)
    with open(path, "ab") as file:
        file.write(tail)
    assert mend(path) == f"ledger.jsonl: its last line was cut off, {len(tail):,} bytes of it; moved to ledger.cut"
    assert mend(path) is None
    assert told(path) == [*STORY, ("mended", None)]
    assert path.with_name("ledger.cut").read_bytes() == tail + b"\n"


def test_garbage_in_the_middle_is_skipped_and_told(path):
    lines = fill(path, *STORY)
    lines[1:1] = [b"\xff\xfe\x00\n", b"{}\n"]
    lines.insert(4, b"not json\n")
    path.write_bytes(b"".join(lines))
    history = read_history(path)
    assert told(path) == STORY
    assert history.damaged == [2, 3, 5]
    assert history.notice == "ledger.jsonl: not counted, as they are not what was written: lines 2-3, 5"


def test_a_flipped_bit_is_found_wherever_it_is(path):
    lines = fill(path, *STORY[:2])
    for place in range(len(lines[0]) - 1):
        for bit in (0, 6):
            changed = bytearray(lines[0])
            changed[place] ^= 1 << bit
            path.write_bytes(bytes(changed) + lines[1])
            history = read_history(path)
            assert [event["event"] for event in history.events] == ["failed"], bytes(changed)
            assert history.damaged, bytes(changed)


def test_duplicated_lines_change_nothing(path):
    lines = fill(path, *STORY)
    before = read_history(path)
    path.write_bytes(b"".join([*lines, lines[0], *lines, lines[2], b"\n"]))
    after = read_history(path)
    assert (after.events, after.attempts(), after.damaged) == (before.events, before.attempts(), [])


def test_equal_events_of_one_second_are_two(path):
    fill(path, ("started", "a"), ("failed", "a"), ("started", "a"), ("failed", "a"))
    assert len(read_history(path).attempts()) == 2


def test_a_clock_that_goes_back_changes_nothing(path, monkeypatch):
    clock = iter([2_000_000_000, 1_000_000_000, 1_500_000_000, 0])
    monkeypatch.setattr(module, "_now", lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(next(clock))))
    fill(path, *STORY)
    assert told(path) == STORY
    assert [(one.run, one.status) for one in read_history(path).attempts()] == [("a", "failed"), ("b", "finished")]


def test_a_full_disk_leaves_the_ledger_as_it_was(path, monkeypatch):
    before = b"".join(fill(path, *STORY))
    write = os.write

    def half(descriptor, content):
        if len(content) < 60:
            raise OSError(28, "No space left on device")
        return write(descriptor, content[:50])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(
        RunError, match=r"ledger\.jsonl: cannot be written \(No space left on device\); free space .*kept"
    ):
        append_event(path, "started", {"run": "c" * 30})
    assert path.read_bytes() == before


def test_a_ledger_that_cannot_be_read_is_told(path):
    path.mkdir()
    with pytest.raises(RunError, match=r"ledger\.jsonl: cannot be read \(Is a directory\); make it readable, or move"):
        read_history(path)


# attempts


def test_attempts_tell_how_each_ended(path):
    claim = {"run": "a", "identity": "1", "claim": "x"}
    other = {"run": "a", "identity": "1", "claim": "y"}
    append_event(path, "started", claim)
    append_event(path, "started", other)
    append_event(path, "mended", {"bytes": 1})
    append_event(path, "failed", {**claim, "reason": "lost its claim"})
    append_event(path, "finished", {**other, "reason": None})
    append_event(path, "started", {"run": "b", "identity": "2"})
    first, second, third = read_history(path).attempts()
    assert first == Attempt(run="a", identity="1", claim="x", status="failed", reason="lost its claim")
    assert (second.claim, second.status, second.reason) == ("y", "finished", None)
    assert (third.run, third.status) == ("b", None), "goes on, or was killed"
    assert read_history(path).attempts(identity="2") == [third]


def test_an_end_without_its_start_is_an_attempt(path):
    lines = fill(path, ("started", "a"), ("failed", "a"))
    path.write_bytes(lines[1])
    assert [(one.run, one.status) for one in read_history(path).attempts()] == [("a", "failed")]


# several processes


def test_lines_of_several_processes_are_all_there_and_whole(path, fork):
    def work(child):
        for number in range(200):
            with exclusive(path.parent):
                append_event(path, "step", {"run": str(os.getpid()), "number": number, "text": "x" * number})

    children = [fork(work) for _ in range(4)]
    assert [child.wait() for child in children] == [0] * 4
    history = read_history(path)
    assert history.damaged == []
    per_process = {}
    for event in history.events:
        per_process.setdefault(event["run"], []).append(event["number"])
    assert list(per_process.values()) == [list(range(200))] * 4


def test_kills_of_appending_processes_lose_no_line_that_was_told(path, fork):
    def work(child):
        for number in range(10**6):
            with exclusive(path.parent):
                append_event(path, "step", {"run": "a", "number": number})
            child.say(str(number))

    for _ in range(10):
        path.unlink(missing_ok=True)
        child = fork(work)
        for _ in range(5):
            last = int(child.hear())
        child.kill()
        append_event(path, "step", {"number": -1})
        history = read_history(path)
        numbers = [event["number"] for event in history.events if event["event"] == "step"]
        assert numbers[: last + 1] == list(range(last + 1)) and numbers[-1] == -1
        assert history.damaged == []
