"""Imported once, by the server from which all workers are forked: what each of them would import, and the watch."""

import gc

import datasets  # noqa: F401
import pandas  # noqa: F401
import pyarrow.parquet  # noqa: F401
import sklearn.metrics  # noqa: F401

import hftk.models.rnn  # noqa: F401
import hftk.models.transformer  # noqa: F401
from benchmarks.torture.watched import watch

watch()
gc.freeze()  # else each worker's collections go through all of it
