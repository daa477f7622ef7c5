"""Who may push where, asked of a Hub on loopback by the real client."""

import time

import pytest

from hftk.errors import HubError
from hftk.hub.access import MARK, HubAway, Standing, check_access, logged_in, refusal
from tests.loopback_hub.store import Login as Known


@pytest.fixture
def hub(loopback_hub_here):
    return loopback_hub_here


@pytest.fixture
def as_another(hub, monkeypatch):
    """Logs in with a token of this role."""

    def log_in(role: str, **about) -> None:
        token = f"hf_{role}{'a' * 30}"
        hub.logins[token] = Known("me", role, **about)
        monkeypatch.setenv("HF_TOKEN", token)

    return log_in


@pytest.fixture
def files(tmp_path):
    """name → a folder with a file of that name."""

    def folder(*names: str):
        made = tmp_path / "-".join(names)
        made.mkdir()
        for name in names:
            (made / name).write_text("{}")
        return made

    return folder


def check(model_id: str, *, private: bool = True, overwrite: bool = False) -> Standing:
    return check_access(model_id, private=private, overwrite=overwrite, login=logged_in())


def test_a_new_repository_under_ones_own_name_and_in_an_organisation(hub):
    assert check("me/new") == Standing("me/new", exists=False, private=None, head=None)
    assert check("lab/new").exists is False
    with pytest.raises(HubError, match="me may not make it: them is not that user, nor in one of its organisations"):
        check("them/new")
    assert not hub.repositories, "asking makes nothing"


def test_a_repository_that_hftk_wrote_and_one_that_it_did_not(hub, files):
    ours = hub.add_model("me/ours", files(MARK, "config.json"), private=True)
    assert check("me/ours") == Standing("me/ours", exists=True, private=True, head=ours.head.sha)
    theirs = hub.add_model("me/theirs", files("config.json", "README.md"), private=True)
    with pytest.raises(HubError, match=r"me/theirs holds files that hftk did not write \(2 in all\)") as raised:
        check("me/theirs")
    assert "hftk push FOLDER --model-id me/theirs --overwrite" in str(raised.value)
    assert check("me/theirs", overwrite=True).head == theirs.head.sha
    hub.store.create("model", "me/empty", private=True)
    assert check("me/empty").exists


def test_what_is_to_be_private_does_not_go_where_all_see_it(hub, files):
    hub.add_model("me/open", files(MARK), private=False)
    with pytest.raises(HubError, match="me/open is public, and the push is to be private: write hub.private: false"):
        check("me/open")
    assert check("me/open", private=False).private is False


def test_nobody_logged_in(hub, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubError, match="nobody is logged in to the Hub; log in with: hf auth login") as raised:
        logged_in()
    assert not isinstance(raised.value, HubAway)


def test_a_token_that_is_unknown(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_" + "unknown" * 5)
    with pytest.raises(
        HubError, match=r"does not know this login \(401\): its token is wrong or has run out"
    ) as raised:
        logged_in()
    assert "unknownunknown" not in str(raised.value)


def test_a_token_that_may_only_read(hub, as_another):
    as_another("read")
    with pytest.raises(HubError, match="the token of me may only read; make one with the role “write” at"):
        logged_in()


def test_a_fine_grained_token(hub, as_another, files):
    hub.add_model("me/yes", files(MARK), private=True)
    hub.add_model("me/no", files(MARK, "x"), private=True)
    as_another("fineGrained", writable=("me/yes",))
    assert check("me/yes").exists
    with pytest.raises(HubError, match=r"me/no: the Hub does not let this login write there \(403\)"):
        check("me/no")
    # what it may make is not known before it is tried
    assert check("lab/new").exists is False


def test_a_repository_of_another_name_now(hub, files):
    hub.add_model("me/after", files(MARK), private=True)
    hub.rename_model("me/before", "me/after")
    with pytest.raises(HubError, match="the repository me/before is called me/after now"):
        check("me/before")


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_hub_that_cannot_now(hub, status):
    hub.fail("whoami", status)
    with pytest.raises(HubAway, match=rf"cannot take it now \({status}\) \(the Hub says: made to fail by the test\)"):
        logged_in()


def test_a_hub_that_is_not_there(hub):
    hub.close()
    with pytest.raises(HubAway, match="the Hub cannot be reached because of ConnectError; is there a network?"):
        logged_in()


def test_a_hub_that_hangs(hub, monkeypatch):
    monkeypatch.setattr("hftk.hub.access.ANSWER_SECONDS", 1)
    hub.fail("whoami", hang=True)
    began = time.monotonic()
    with pytest.raises(HubAway, match="did not answer within 1 seconds|because of ReadTimeout"):
        logged_in()
    assert time.monotonic() - began < 5


def test_offline(hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(HubAway, match="the Hub is not asked, as HF_HUB_OFFLINE is set"):
        logged_in()


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (402, "there is no room left for it on the Hub (402) (the Hub says: no)"),
        (404, "the Hub has no such repository, or this login may not see it (404)"),
        (409, "somebody else changed the repository while this was pushed, or its name is taken (409)"),
        (412, "somebody else changed the repository while this was pushed, or its name is taken (412)"),
        (413, "the Hub takes no commit or file of this size (413)"),
        (507, "there is no room left for it on the Hub (507)"),
        (418, "the Hub refuses it (418) (the Hub says: no)"),
    ],
)
def test_answers_in_words(status, told):
    error = refusal(status, "no", model_id="me/x")
    assert f"me/x: {told}" in str(error)
    assert error.exit_code == 3
