"""Is the Hub there? Asked once, and never for long."""

import http.server
import threading

import huggingface_hub.constants
import pytest

from hftk.hub import reaching


@pytest.fixture(autouse=True)
def afresh():
    reaching.reachable.cache_clear()
    yield
    reaching.reachable.cache_clear()


class NotFriendly(http.server.BaseHTTPRequestHandler):
    asked = 0

    def do_HEAD(self) -> None:
        NotFriendly.asked += 1
        self.send_error(503)

    def log_message(self, *words) -> None: ...


def test_any_answer_will_do_and_one_request_is_enough(monkeypatch):
    server = http.server.HTTPServer(("127.0.0.1", 0), NotFriendly)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    try:
        assert reaching.reachable()
        assert reaching.reachable()
    finally:
        server.shutdown()
        server.server_close()
    assert NotFriendly.asked == 1


def test_nobody_there(monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    assert not reaching.reachable()


def test_offline_mode_is_not_asked(monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert not reaching.reachable()
