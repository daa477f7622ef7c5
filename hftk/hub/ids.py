"""What a model or data set on the Hub can be called."""

import re

HUB_ID = re.compile(r"(?=.{1,96}$)\w[\w.-]*(/\w[\w.-]*)?", re.ASCII)
"""`owner/name`, or `name` alone for the oldest ones. A folder may be called the same."""
