"""The recipe's training section as TrainingArguments, and what a device cannot do."""

import pytest
import torch
import transformers
from transformers import TrainingArguments

from hftk.errors import RecipeError
from hftk.training.arguments import check_precision, training_arguments

ON_CPU = not torch.accelerator.is_available()


def arguments(training, tmp_path):
    return training_arguments(training, output_dir=str(tmp_path), seed=3, run_name="r")


def test_hftk_s_own_choices(tmp_path):
    args = arguments({}, tmp_path)
    assert args.eval_strategy == "epoch"
    assert args.logging_nan_inf_filter is False
    assert args.report_to == []
    assert args.seed == args.data_seed == 3
    assert args.remove_unused_columns is False


def test_no_process_lets_transformers_speak(tmp_path, monkeypatch):
    transformers.utils.logging.set_verbosity_error()
    for rank in (0, 1):
        monkeypatch.setattr(TrainingArguments, "local_process_index", property(lambda args, rank=rank: rank))
        args = arguments({}, tmp_path)
        assert args.get_process_log_level() == transformers.utils.logging.ERROR


def test_one_process_uses_one_device(tmp_path, monkeypatch):
    """With two GPUs to be seen, Trainer would take both (nn.DataParallel) and double the gradient."""
    monkeypatch.setattr(TrainingArguments, "_setup_devices", property(lambda args: setattr(args, "_n_gpu", 2)))
    assert arguments({}, tmp_path).n_gpu == 1


def test_evaluation_by_steps_where_the_recipe_says_so(tmp_path):
    args = arguments({"eval_steps": 7}, tmp_path)
    assert (args.eval_strategy, args.eval_steps) == ("steps", 7)
    assert arguments({"eval_steps": None}, tmp_path).eval_strategy == "epoch"


def test_saving_by_steps_is_independent_of_evaluation_by_epochs(tmp_path):
    args = arguments({"save_strategy": "steps", "save_steps": 5}, tmp_path)
    assert (args.eval_strategy, args.save_strategy, args.save_steps) == ("epoch", "steps", 5)


def test_what_training_arguments_refuse_is_told_as_a_recipe_error(tmp_path):
    with pytest.raises(
        RecipeError, match=r"training: refused by TrainingArguments: .*--bf16_full_eval|training: refused"
    ):
        arguments({"fp16": True, "bf16": True}, tmp_path)


@pytest.mark.skipif(not ON_CPU, reason="this machine has an accelerator")
@pytest.mark.parametrize("key", ["fp16", "tf32"])
def test_what_a_cpu_cannot_do_is_told(key):
    (problem,) = check_precision({key: True})
    assert problem.startswith(f"training.{key}: needs a")


def test_an_unused_gpu_does_not_help_fp16():
    assert check_precision({"fp16": True, "use_cpu": True}) == [
        "training.fp16: needs a GPU and none is used here; take it out, or write training.bf16: true"
    ]


def test_bf16_and_full_precision_pass_on_a_cpu():
    assert check_precision({"bf16": True, "use_cpu": True}) == []
    assert check_precision({}) == []
