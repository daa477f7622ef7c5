"""Names on the Hub: what a model or data set can be called, and the file that makes an adapter of a model."""

import re

HUB_ID = re.compile(r"(?=.{1,96}$)\w[\w.-]*(/\w[\w.-]*)?", re.ASCII)
"""`owner/name`, or `name` alone for the oldest ones. A folder may be called the same."""

ADAPTER = "adapter_config.json"
"""Makes of a folder an adapter of PEFT, which names the model that it belongs to."""
