"""What to write for the TrainingArguments that hftk decides itself, and for those that are gone."""

_DISPLAY = "the progress of the whole sweep is shown"
_EVALUATION = "validation comes after each epoch; write training.eval_steps for every so many steps"
_BEST = "write keep: best (by early_stopping.metric, else the first of metrics)"
_METRICS = "`metrics` are computed over all predictions of a split"
_PUSH = "write hub.push and hub.model_id"
_RESUME = "the same command again finishes what is missing"
_TRAIN_AND_TEST = "every run is trained, validated after each epoch and tested once"
_BATCHES = "the same batches are made for any number of processes"
_LAUNCH = "accelerate launch decides it"
_SHARDED = "not supported yet: every process holds the whole model (DDP)"
_FLOAT32 = "the figures are those of the saved float32 weights; write training.bf16: true for faster steps"
_TIMEOUT = "processes wait two hours for each other"

# fields of the installed TrainingArguments that hftk sets: field → what to do instead
OWNED = {
    "output_dir": "write output_dir and name at the top of the recipe",
    "seed": "write seeds: [1, 2, 3] at the top of the recipe",
    "data_seed": "write seeds at the top of the recipe; data.seed is for splits and limits",
    "eval_strategy": _EVALUATION,
    "load_best_model_at_end": _BEST,
    "metric_for_best_model": "write early_stopping.metric, metrics (the first one counts) or sweep.metric",
    "greater_is_better": "it is known of each metric; write sweep.metric for the ranking",
    "report_to": "write tracking.report_to",
    "run_name": "runs are named after what differs; write name at the top of the recipe",
    "project": "write tracking.project",
    "trackio_space_id": "write tracking",
    "trackio_bucket_id": "write tracking",
    "trackio_static_space_id": "write tracking",
    "push_to_hub": "write hub.push",
    "hub_token": "log in with `hf auth login`; a token has no place in a recipe",
    "hub_model_id": "write hub.model_id",
    "hub_private_repo": "write hub.private",
    "hub_strategy": _PUSH,
    "hub_always_push": _PUSH,
    "hub_revision": _PUSH,
    "resume_from_checkpoint": _RESUME,
    "ignore_data_skip": _RESUME,
    "save_only_model": "a checkpoint is for going on, which needs all of it; the kept model lies in model/",
    "restore_callback_states_from_checkpoint": _RESUME,
    "remove_unused_columns": "the model gets the columns that it takes",
    "label_names": "write data.label_names for the names of the classes",
    "length_column_name": "the lengths are known; train_sampling_strategy: group_by_length is enough",
    "do_train": _TRAIN_AND_TEST,
    "do_eval": _TRAIN_AND_TEST,
    "do_predict": _TRAIN_AND_TEST,
    "prediction_loss_only": _METRICS,
    "include_for_metrics": _METRICS,
    "batch_eval_metrics": _METRICS,
    "eval_do_concat_batches": _METRICS,
    "eval_use_gather_object": _METRICS,
    "average_tokens_across_devices": "the loss is averaged over the whole global batch",
    "auto_find_batch_size": "it changes the batch size unnoticed; write per_device_train_batch_size "
    "and gradient_accumulation_steps",
    "accelerator_config": _BATCHES,
    "parallelism_config": _LAUNCH,
    "local_rank": _LAUNCH,
    "disable_tqdm": _DISPLAY,
    "ddp_timeout": _TIMEOUT,
    "fsdp": _SHARDED,
    "fsdp_config": _SHARDED,
    "deepspeed": _SHARDED,
    "bf16_full_eval": _FLOAT32,
    "fp16_full_eval": _FLOAT32,
}

# no field of TrainingArguments (any more): name → what to write now
GONE = {
    "adafactor": "write training.optim: adafactor",
    "batch_size": "write training.per_device_train_batch_size",
    "class_weights": "write class_weights at the top of the recipe",
    "dispatch_batches": _BATCHES,
    "early_stopping_patience": "write early_stopping: {metric: loss, patience: 2}",
    "early_stopping_threshold": "write early_stopping: {metric: loss, min_delta: 0.001}",
    "epochs": "write training.num_train_epochs",
    "eval_batch_size": "write training.per_device_eval_batch_size",
    "evaluate_during_training": _EVALUATION,
    "evaluation_strategy": _EVALUATION,
    "fp16_backend": "write training.fp16 or training.bf16",
    "fp16_opt_level": "write training.fp16 or training.bf16",
    "gpus": _LAUNCH,
    "group_by_length": "write training.train_sampling_strategy: group_by_length",
    "half_precision_backend": "write training.fp16 or training.bf16",
    "include_inputs_for_metrics": _METRICS,
    "label_smoothing": "write training.label_smoothing_factor",
    "logging_dir": "every run writes into its own folder below output_dir",
    "lr": "write training.learning_rate",
    "lr_scheduler": "write training.lr_scheduler_type",
    "max_length": "write data.max_length",
    "max_seq_length": "write data.max_length",
    "metrics": "write metrics at the top of the recipe",
    "no_cuda": "write training.use_cpu: true",
    "num_epochs": "write training.num_train_epochs",
    "optimizer": "write training.optim",
    "overwrite_output_dir": "finished runs are kept and changed ones trained again; nothing to write",
    "patience": "write early_stopping: {metric: loss, patience: 2}",
    "per_gpu_eval_batch_size": "write training.per_device_eval_batch_size",
    "per_gpu_train_batch_size": "write training.per_device_train_batch_size",
    "processing_class": "a pretrained model brings its own tokenizer",
    "push_to_hub_model_id": "write hub.model_id",
    "push_to_hub_organization": "write hub.model_id: organization/name",
    "push_to_hub_token": "log in with `hf auth login`; a token has no place in a recipe",
    "save_safetensors": "weights are always saved as safetensors; nothing to write",
    "sharded_ddp": _SHARDED,
    "split_batches": _BATCHES,
    "tokenizer": "a pretrained model brings its own tokenizer",
    "torchdynamo": "write training.torch_compile: true",
    "train_batch_size": "write training.per_device_train_batch_size",
    "use_mps_device": "the device of the machine is found; nothing to write",
    "warmup_proportion": "write training.warmup_steps: 0.1 (below 1 it is a share of all steps)",
    "warmup_ratio": "write training.warmup_steps: 0.1 (below 1 it is a share of all steps)",
    "xpu_backend": "write training.ddp_backend",
}
