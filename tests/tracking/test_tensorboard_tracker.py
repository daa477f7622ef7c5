"""TensorBoard's event files, read back by TensorBoard."""

import math

import pytest

pytest.importorskip("tensorboard", reason='TensorBoard is not installed: pip install "hftk[tensorboard]"')

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: E402
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData  # noqa: E402


def read(folder, run: str = "lr=1") -> EventAccumulator:
    events = EventAccumulator(str(folder / "tensorboard" / run))
    return events.Reload()


def scalars(events: EventAccumulator, name: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in events.Scalars(name)]


def hparams(events: EventAccumulator, part: str) -> HParamsPluginData:
    return HParamsPluginData.FromString(events.PluginTagToContent("hparams")[f"_hparams_/{part}"])


def test_a_run_has_its_rows_settings_and_end(tracked, tmp_path):
    run = tracked(tmp_path, report_to=["tensorboard"], config={"model.cell": "gru", "pooling": ["max"]})
    run.trackers._send(4, {"train/loss": 2.0, "eval/loss": 1.5})
    run.trackers._send(8, {"train/loss": math.nan})
    assert run.end(test_accuracy=0.5, best_epoch=2.0) == run.told == []
    events = read(tmp_path)
    assert scalars(events, "eval/loss") == [(4, 1.5)] and scalars(events, "test/accuracy") == [(0, 0.5)]
    assert math.isnan(scalars(events, "train/loss")[1][1])
    texts = {
        name: events.Tensors(f"{name}/text_summary")[0].tensor_proto.string_val[0].decode()
        for name in ("config", "ending")
    }
    assert '"model.cell": "gru"' in texts["config"] and '"status": "finished"' in texts["ending"]
    swept = hparams(events, "session_start_info").session_start_info.hparams
    assert {name: value.number_value for name, value in swept.items()} == {"training.learning_rate": 1.0, "seed": 0.0}
    metrics = [info.name.tag for info in hparams(events, "experiment").experiment.metric_infos]
    assert metrics == ["eval/accuracy", "eval/loss", "test/accuracy", "test/loss"]
    assert hparams(events, "session_end_info").session_end_info.status


def test_a_run_that_goes_on_has_each_step_once(tracked, tmp_path):
    first = tracked(tmp_path, report_to=["tensorboard"])
    first.trackers._send(1, {"train/loss": 3.0})
    first.end("interrupted")
    resumed = tracked(tmp_path, report_to=["tensorboard"], resumed=True)
    for step in (1, 2):
        resumed.trackers._send(step, {"train/loss": 3.0 / step})
    resumed.end()
    assert scalars(read(tmp_path), "train/loss") == [(1, 3.0), (2, 1.5)]
    assert len(list((tmp_path / "tensorboard" / "lr=1").iterdir())) == 1


def test_a_run_that_failed_says_so(tracked, tmp_path):
    tracked(tmp_path, report_to=["tensorboard"]).end("failed", "401 for <secret>")
    events = read(tmp_path)
    ending = events.Tensors("ending/text_summary")[0].tensor_proto.string_val[0].decode()
    assert '"status": "failed"' in ending and "401 for <secret>" in ending
    assert "_hparams_/session_end_info" not in events.PluginTagToContent("hparams")


def test_a_folder_that_cannot_be_written_costs_no_run(tracked, tmp_path):
    (tmp_path / "tensorboard").write_text("a file")
    run = tracked(tmp_path, report_to=["tensorboard"])
    assert len(run.told) == 1 and run.told[0].startswith("TensorBoard: it does not start (")
    assert run.end() == []
