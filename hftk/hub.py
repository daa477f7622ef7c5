"""The Hugging Face Hub: can it be asked? (Pushing to it comes in a later version.)"""

import threading
from contextlib import suppress
from functools import cache

PROBE_SECONDS = 3


@cache
def reachable() -> bool:
    """One request, answered within 3 seconds, once per process.

    Left to themselves, `load_dataset` and `from_pretrained` try again and again for most of a minute, per file
    (datasets 5.2, transformers 5.23). False in offline mode.
    """
    from huggingface_hub import constants, get_session, is_offline_mode

    if is_offline_mode():
        return False
    answers = []

    def ask() -> None:
        # the http client's exceptions, which huggingface_hub exchanges from version to version
        with suppress(Exception):
            answers.append(get_session().head(constants.ENDPOINT, timeout=PROBE_SECONDS))

    # the client's limit holds for each of its steps, and not for the look-up of the name
    asking = threading.Thread(target=ask, name="is the Hub there", daemon=True)
    asking.start()
    asking.join(PROBE_SECONDS)
    return bool(answers)
