"""The Hugging Face Hub: can it be asked? (Pushing to it comes in a later version.)"""

from functools import cache

PROBE_SECONDS = 5


@cache
def reachable() -> bool:
    """One request with a short limit, once per process.

    Left to themselves, `load_dataset` and `from_pretrained` try again and again for most of a minute, per file
    (datasets 5.2, transformers 5.23). False in offline mode.
    """
    from huggingface_hub import constants, get_session, is_offline_mode

    if is_offline_mode():
        return False
    # the http client's exceptions, which huggingface_hub exchanges from version to version
    try:
        get_session().head(constants.ENDPOINT, timeout=PROBE_SECONDS)
    except Exception:
        return False
    return True
