"""Where prepared data are kept between commands."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """$HFTK_CACHE, or ~/.cache/hftk; all in it can be made again."""
    return Path(os.environ.get("HFTK_CACHE") or Path.home() / ".cache" / "hftk").expanduser()
