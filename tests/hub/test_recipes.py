"""Recipes that lie on the Hub: named, read at one commit, and taken in as data of somebody else."""

from pathlib import Path

import pytest

from hftk.errors import RecipeError
from hftk.hub import reaching
from hftk.hub.recipes import HubModel, fetch, named_model
from hftk.recipe import read_sweep
from hftk.recipe.showing import show

RECIPE = """\
name: theirs
output_dir: runs
data: {path: reviews.csv}
model: {architecture: rnn}
seeds: [3]
tracking: {report_to: [wandb], project: theirs}
hub: {push: best, model_id: them/model}
"""


@pytest.fixture
def hub(loopback_hub_here, tmp_path, monkeypatch):
    """Puts a recipe into the repository me/model, as one more commit; returns the commit. The current folder is new."""
    monkeypatch.chdir(tmp_path)
    Path("reviews.csv").touch()
    _forget()

    def put(text: str | bytes, *, name: str = "me/model", file: str = "recipe.yaml", private: bool = False) -> str:
        folder = tmp_path / "repository" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(text.encode() if isinstance(text, str) else text)
        return loopback_hub_here.add_model(name, folder, private=private).head.sha

    put.hub = loopback_hub_here
    yield put
    _forget()


def _forget():
    reaching.reachable.cache_clear()
    reaching._trouble.cache_clear()


@pytest.mark.parametrize(
    ("recipe", "model"),
    [
        ("hf://me/model", HubModel("me/model")),
        ("hf://me/model@v1", HubModel("me/model", "v1")),
        ("hf://me/model@refs/pr/1", HubModel("me/model", "refs/pr/1")),
        ("me/model", HubModel("me/model")),
        ("me/model@0a1b", HubModel("me/model", "0a1b")),
        ("me/my.model-2_x", HubModel("me/my.model-2_x")),
        ("me/model.yaml", None),
        ("me/model.yml", None),
        ("recipe.yaml", None),
        ("model", None),
        ("here/model", None),  # a folder of that name is here: a misspelt file
        ("a/b/c", None),
        ("../model", None),
        ("~/model", None),
        ("/me/model", None),
        ("me/", None),
        (f"me/{'x' * 94}", None),  # longer than a name on the Hub
    ],
)
def test_what_is_a_model_and_what_a_file(recipe, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("here").mkdir()
    assert named_model(recipe) == model


def test_a_misspelt_file_is_told_how_a_model_would_be_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("here").mkdir()
    message = r"^here/model: no such file; there are no recipes in here; for a model of the Hub write hf://here/model$"
    with pytest.raises(RecipeError, match=message):
        read_sweep("here/model")
    with pytest.raises(RecipeError, match=r"^here/model\.yaml: no such file; there are no recipes in here$"):
        read_sweep("here/model.yaml")


def test_a_file_wins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("me").mkdir()
    Path("me/model").write_text("name: mine\ndata: {path: builtin:digits}\nmodel: {architecture: rnn}\n")
    assert read_sweep("me/model").recipe.name == "mine"


@pytest.mark.parametrize("recipe", ["hf://me", "hf://me/model/recipe.yaml", "hf://", "hf://me/model@", "hf://a b/c"])
def test_what_is_no_model(recipe):
    with pytest.raises(RecipeError, match=r"^hf://.*: no model of the Hub; write hf://owner/name or hf://owner/name@"):
        read_sweep(recipe)


@pytest.mark.parametrize("recipe", ["hf://me/model", "me/model"])
def test_a_recipe_is_read_at_a_commit_which_is_told(recipe, hub):
    commit = hub(RECIPE)
    plan = read_sweep(recipe)
    assert [run.seed for run in plan.runs] == [3]
    assert plan.notices[0].startswith(f"recipe.yaml of me/model at commit {commit}, trained as name=me--model")
    assert str(plan.document.place(("seeds",))) == f"hf://me/model@{commit[:12]}/recipe.yaml:5"


def test_it_is_taken_in_as_somebody_elses(hub):
    hub(RECIPE)
    plan = read_sweep("me/model")
    assert plan.folder == Path("runs/me--model")  # not among the reader's own runs of the same name
    assert plan.recipe.tracking.report_to == []
    assert plan.recipe.tracking.project == "hftk"
    assert plan.recipe.hub.push == "none"
    assert plan.recipe.hub.model_id is None
    assert plan.notices[0].endswith("; what it says of hub and tracking is left out, write your own")


def test_the_readers_own_words_count(hub):
    hub(RECIPE)
    overrides = ["name=ours", "tracking.report_to=[tensorboard]", "hub.model_id=me/x", "seeds=[1, 2]"]
    recipe = read_sweep("me/model", overrides).recipe
    assert (recipe.name, recipe.tracking.report_to, recipe.hub.model_id) == ("ours", ["tensorboard"], "me/x")
    assert recipe.seeds == [1, 2]


def test_a_recipe_that_publishes_nothing_is_not_said_to(hub):
    commit = hub(RECIPE.partition("tracking")[0] + "tracking: {tags: [x]}\nhub: {push: none}\n")
    expected = f"recipe.yaml of me/model at commit {commit}, trained as name=me--model"
    assert read_sweep("me/model").notices == [expected]


def test_a_revision_is_read(hub):
    first = hub(RECIPE)
    second = hub(RECIPE.replace("seeds: [3]", "seeds: [4]"))
    assert first != second
    assert [run.seed for run in read_sweep("me/model").runs] == [4]
    plan = read_sweep(f"me/model@{first}")
    assert [run.seed for run in plan.runs] == [3]
    assert first in plan.notices[0]


def test_show_says_where_it_was_read_and_can_be_read_again(hub):
    commit = hub(RECIPE)
    shown = show("me/model")
    assert shown.startswith(f"# recipe.yaml of me/model at commit {commit}, ")
    Path("again.yaml").write_text(shown, encoding="utf-8")
    assert show("again.yaml") == shown.partition("\n")[2]


@pytest.mark.parametrize("folder", ["/tmp/x", "..", "runs/../../x", "C:\\x", "\\\\server\\share", "a\\..\\..\\b"])
def test_it_writes_below_the_current_folder_only(folder, hub):
    commit = hub(RECIPE.replace("output_dir: runs", f"output_dir: '{folder}'"))
    message = r"writes below the current folder; decide yourself with output_dir=runs$"
    with pytest.raises(RecipeError, match=message) as told:
        read_sweep("me/model")
    assert str(told.value).startswith(f"hf://me/model@{commit[:12]}/recipe.yaml:2: output_dir: ")
    assert read_sweep("me/model", ["output_dir=../mine"]).folder == Path("../mine/me--model")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RECIPE + "model_card: x\n", r"recipe\.yaml:8: model_card: unknown key"),
        (RECIPE.replace("rnn}", "rnn, trust_remote_code: true}"), r"yaml:4: model\.trust_remote_code: code from the"),
        (RECIPE.replace("rnn}", f"rnn, revision: hf_{'x' * 30}}}"), r"looks like a token"),
        ("- a\n", r"recipe\.yaml:1: a recipe is a mapping of keys"),
        ("", r"recipe\.yaml: the recipe is empty"),
        (b"\xff\xfe", r"recipe\.yaml: not UTF-8 text"),
        ("name: !!python/object:os.system x\n", r"recipe\.yaml:1: name: the tag .* is not supported"),
    ],
)
def test_mistakes_are_told_with_the_place_on_the_hub(text, message, hub):
    commit = hub(text)
    with pytest.raises(RecipeError, match=message) as told:
        read_sweep("hf://me/model")
    assert f"hf://me/model@{commit[:12]}/" in str(told.value)


def test_it_holds_no_recipe(hub):
    hub("{}", file="config.json")
    message = r"^me/model: there is no such file here, and its repository on the Hub holds no recipe\.yaml; those that"
    with pytest.raises(RecipeError, match=message):
        read_sweep("me/model")


def test_a_recipe_that_is_too_large_is_not_fetched(hub):
    hub("#" * (2**20 + 1))
    with pytest.raises(RecipeError, match=r"its recipe\.yaml on the Hub has 1,048,577 bytes; at most 1,048,576 are"):
        read_sweep("hf://me/model")
    assert not [one for one in hub.hub.asked("recipe.yaml") if one.method == "GET"]


def test_nobody_has_it(hub):
    with pytest.raises(RecipeError, match=r"^hf://me/none: the Hub has no public model of this name \(404\)"):
        read_sweep("hf://me/none")
    with pytest.raises(RecipeError, match=r"^me/none: there is no such file here, and the Hub has no public model"):
        read_sweep("me/none")


def test_no_such_revision(hub):
    hub(RECIPE)
    with pytest.raises(RecipeError, match=r"the Hub has no revision v9 of it \(404\)"):
        read_sweep("me/model@v9")


def test_a_private_one_wants_the_login(hub, monkeypatch):
    hub(RECIPE, private=True)
    assert read_sweep("me/model").runs
    _forget()
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(RecipeError, match=r"no public model of this name \(401\).* log in with: hf auth login$"):
        read_sweep("me/model")


def test_without_the_hub_it_comes_from_the_cache(hub):
    commit = hub(RECIPE)
    read_sweep("me/model")
    hub.hub.fail("", status=503)
    _forget()
    assert commit in read_sweep("me/model").notices[0]
    with pytest.raises(RecipeError, match=r"an error \(503\).*, and its recipe\.yaml is not in the cache on"):
        read_sweep("me/other")


def test_a_hub_that_fails_behind_the_first_answer(hub):
    hub(RECIPE)
    hub.hub.fail("HEAD .*recipe.yaml", status=418)
    with pytest.raises(RecipeError, match=r"its recipe\.yaml cannot be fetched \(.*418"):
        read_sweep("me/model")


def test_any_file_is_fetched_at_one_commit(hub):
    commit = hub("{}", file="run.json")
    file = fetch(HubModel("me/model"), "run.json")
    assert (file.path.read_text(), file.commit, str(file.place)) == (
        "{}",
        commit,
        f"hf://me/model@{commit[:12]}/run.json",
    )
