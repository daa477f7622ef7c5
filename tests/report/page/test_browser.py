"""The page in a real headless Chromium: what a reader does with it, without an error or a request."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hftk.report.content import Content
from hftk.report.page import page_html

WIDE, PHONE = (1280, 900), (360, 740)


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    """A Chromium that logs what it is told to fetch."""
    pytest.importorskip("selenium", reason="selenium is not installed")
    # it may look for a driver on the network, and tell its makers; both are forbidden here
    os.environ |= {"SE_OFFLINE": "true", "SE_AVOID_STATS": "true"}
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    chromedriver = shutil.which("chromedriver")
    if chromium is None or chromedriver is None:
        pytest.skip("no Chromium with its chromedriver is on the PATH")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "disable-background-networking"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    own = webdriver.Chrome(options=options, service=Service(executable_path=chromedriver))
    yield own
    own.quit()


@pytest.fixture
def show(driver, tmp_path: Path) -> Iterator[Callable]:
    """Opens a content's page; at the end nothing may stand in its console, or have been asked of the network."""

    def opened(content: Content, size: tuple[int, int] = WIDE, theme: str = "light", address: str = "") -> Any:
        path = tmp_path / "report.html"
        path.write_text(page_html(content), encoding="utf-8", newline="\n")
        width, height = size
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        wishes = {"prefers-color-scheme": theme, "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in wishes.items()]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        driver.get("about:blank")
        driver.get(path.as_uri() + address)
        return driver

    yield opened
    assert [entry["message"] for entry in driver.get_log("browser")] == []
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert any(url.startswith("file:") for url in asked), "the log is empty"
    assert [url for url in asked if not url.startswith(("file:", "data:", "about:"))] == []


def find(driver, selector: str) -> list:
    return driver.find_elements("css selector", selector)


def one(driver, selector: str):
    found = find(driver, selector)
    assert found, selector
    return found[0]


def head(driver, title: str):
    return next(th for th in find(driver, "#runs thead th") if title in th.text.replace("\n", " "))


def column(driver, title: str) -> list[str]:
    script = """
      const heads = [...document.querySelectorAll('#runs thead th')];
      const place = heads.findIndex((head) => head.innerText.replace(/\\s+/g, ' ').includes(arguments[0]));
      return [...document.querySelectorAll('#runs tbody tr')].map((row) => row.cells[place].innerText.trim());"""
    return driver.execute_script(script, title)


def overflow(driver) -> int:
    return driver.execute_script("return document.documentElement.scrollWidth - innerWidth")


def test_sorts_numbers_as_numbers_and_missing_ones_last_either_way(show, news):
    driver = show(news)
    before = column(driver, "run")
    button = head(driver, "parameters").find_element("tag name", "button")
    button.click()
    up = column(driver, "parameters")
    numbers = [int(cell.replace(",", "")) for cell in up if cell != "–"]
    assert numbers == sorted(numbers) and len({len(str(number)) for number in numbers}) > 1
    assert up[-2:] == ["–", "–"]
    assert head(driver, "parameters").get_attribute("aria-sort") == "ascending"
    button.send_keys("\ue007")  # Enter
    assert column(driver, "parameters")[:9] == up[:9][::-1] and column(driver, "parameters")[-2:] == ["–", "–"]
    assert head(driver, "parameters").get_attribute("aria-sort") == "descending"
    button.click()
    assert column(driver, "run") == before and head(driver, "parameters").get_attribute("aria-sort") is None


def test_sorts_words_and_the_best_first(show, news):
    driver = show(news)
    head(driver, "test accuracy").find_element("tag name", "button").click()
    assert column(driver, "run")[:2] == ["TF-IDF + linear baseline", "cell=gru,embeddings=glove1"]
    head(driver, "over baseline").find_element("tag name", "button").click()
    assert column(driver, "over baseline")[::8] == [
        "\u22120.0203",
        "\u22120.3342",
    ]  # of -0.33 and -0.02, the larger first
    head(driver, "model.cell").find_element("tag name", "button").click()
    assert column(driver, "model.cell") == ["gru"] * 3 + ["lstm"] * 3 + ["rnn"] * 3 + ["–"] * 2


def test_filters_by_words_and_by_values(show, fifty):
    driver = show(fifty)

    def shown() -> list[str]:
        script = "return [...document.querySelectorAll('tr[data-row]')].filter((row) => row.offsetParent)"
        return driver.execute_script(script + ".map((row) => row.innerText)")

    assert len(shown()) == 50
    field = one(driver, "#filter")
    field.send_keys("MINILM 32,dropout=0.1")
    assert 0 < len(shown()) < 12 and all("minilm" in text for text in shown())
    assert one(driver, "#shown").text == f"{len(shown())} of 50 rows"
    field.clear()
    field.send_keys("pruned")
    assert len(shown()) == 1
    one(driver, "button[type=reset]").click()
    driver.execute_script("return new Promise((done) => setTimeout(done, 20))")
    assert len(shown()) == 50
    one(driver, "select[data-key='model.pretrained'] option[value='=minilm']").click()
    few = shown()
    assert len(few) == 16 and all("minilm" in text for text in few)
    one(driver, "#highlight-shown").click()
    assert len(find(driver, "#legend button")) == 12
    assert "16 runs (the first 12 in colour)" in one(driver, "#curve-focus").text


def test_a_run_opens_by_click_and_by_address_with_all_that_is_known_of_it(show, news):
    driver = show(news)
    link = one(driver, "tr[data-row='1'] a.run")
    link.send_keys("\ue007")
    dialog = one(driver, "dialog#run")
    assert dialog.is_displayed()
    assert [heading.text for heading in dialog.find_elements("css selector", "h2, h3")] == [
        "cell=gru,embeddings=glove",
        *("Figures", "Swept values", "Findings", "Curves", "Epochs", "Gradients", "Class by class"),
    ]
    assert "95 % interval 0.6583 to 0.6795" in dialog.text and '"path": "glove.6B.100d.txt"' in dialog.text
    assert "Validation loss rises from epoch 6 on" in dialog.text
    assert len(dialog.find_elements("css selector", ".plot path")) >= 3
    assert len(dialog.find_elements("css selector", "tr.kept")) == 1
    assert "#run=cell%3Dgru" in driver.current_url
    driver.switch_to.active_element.send_keys("\ue00c")  # Escape
    assert not dialog.is_displayed() and "#run" not in driver.current_url
    driver.get(driver.current_url + "#run=TF-IDF%20%2B%20linear")
    assert one(driver, "#run-name").text == "TF-IDF + linear"
    one(driver, "dialog .close").click()
    assert not dialog.is_displayed()


def test_a_run_that_failed_opens_with_its_reason(show, failed):
    driver = show(failed, address="#run=learning_rate%3D0.5")
    dialog = one(driver, "dialog#run")
    assert "run, failed" in dialog.text and failed.rows[1].reason in dialog.text
    assert len(dialog.find_elements("css selector", "path.broken")) >= 1


def test_a_finding_leads_to_its_run_and_epoch_in_the_curves(show, news):
    driver = show(news)
    assert len(find(driver, "#legend button")) == 9
    place = next(i for i, finding in enumerate(news.findings) if finding.kind == "overfitting")
    one(driver, f"[data-finding='{place}'] a.see").click()
    assert one(driver, "#curve-focus").text.startswith("Highlighted: cell=gru,embeddings=glove at epoch 6")
    assert [button.text for button in find(driver, "#legend button")] == ["1.\ncell=gru,embeddings=glove"]
    assert len(find(driver, "#curve-panels line.focus")) == 3
    assert driver.execute_script("return document.activeElement.id") == "curves"
    assert one(driver, "tr[data-row='1'] input").is_selected()
    vanishing = next(i for i, finding in enumerate(news.findings) if finding.kind == "vanishing-gradients")
    one(driver, f"[data-finding='{vanishing}'] a.see").click()
    assert one(driver, "#gradient-view select").get_attribute("value") == "cell=rnn,embeddings=word2vec"
    one(driver, "#curve-focus button").click()
    assert len(find(driver, "#legend button")) == 9 and not find(driver, "line.focus")


def test_a_suggestion_can_be_copied(show, news):
    driver = show(news)
    button = one(driver, "[data-finding='0'] .copyable button")
    button.click()
    wait = "const [button, done] = arguments; setTimeout(() => done(button.textContent), 100)"
    assert driver.execute_async_script(wait, button) == "copied"
    field = one(driver, "#filter")
    field.send_keys("\ue009v")  # Ctrl+V
    assert field.get_attribute("value") == "data.max_length=300"


def test_a_tap_keeps_its_values_until_the_next_elsewhere(show, news):
    from selenium.webdriver.common.actions.action_builder import ActionBuilder
    from selenium.webdriver.common.actions.interaction import POINTER_TOUCH
    from selenium.webdriver.common.actions.pointer_input import PointerInput

    def tap(element) -> None:
        actions = ActionBuilder(driver, mouse=PointerInput(POINTER_TOUCH, "finger"))
        actions.pointer_action.move_to(element).pointer_down().pointer_up()
        actions.perform()

    driver = show(news, size=PHONE)
    plot, tip = one(driver, "#curve-panels .plot"), one(driver, "#curve-panels .tip")
    driver.execute_script("arguments[0].scrollIntoView()", plot)
    tap(plot)
    assert tip.text.startswith("epoch 1")
    tap(one(driver, "#curve-panels .chart:nth-child(2) figcaption"))
    assert not tip.is_displayed()


def test_ticked_rows_are_highlighted(show, news):
    driver = show(news)
    for place in (2, 5):
        one(driver, f"tr[data-row='{place}'] input").click()
    assert len(find(driver, "#legend button")) == 2 and len(find(driver, ".chart:first-child .line.grey")) == 7
    assert not one(driver, "dialog").is_displayed()


def test_curves_are_read_off_by_keys_and_pointer(show, news):
    from selenium.webdriver.common.action_chains import ActionChains

    driver = show(news)
    plot = one(driver, "#curve-panels .plot")
    driver.execute_script("arguments[0].focus()", plot)
    plot.send_keys("\ue014")  # right
    tip = one(driver, "#curve-panels .tip")
    assert tip.text.startswith("epoch 1") and len(tip.find_elements("tag name", "li")) == 9
    plot.send_keys("\ue014")
    assert tip.text.startswith("epoch 2")
    ActionChains(driver).move_to_element(find(driver, "#curve-panels .plot")[1]).perform()
    assert find(driver, "#curve-panels .tip")[1].text.startswith("epoch 1")
    assert not find(driver, "#curve-panels .chart:nth-child(4)")
    one(driver, "#curve-controls button[data-column=learning_rate]").click()
    assert one(driver, "#curve-panels .chart:nth-child(4)").text.startswith("Learning rate")


def test_bands_over_seeds_and_each_run(show, korean):
    driver = show(korean)
    assert len(find(driver, "#legend button")) == 4
    assert len(find(driver, "#curve-panels .band path")) == 12
    assert find(driver, "#curve-panels path.dotted"), "epochs that not every seed reached"
    one(driver, "#curve-controls button[data-mode=runs]").click()
    assert len(find(driver, "#legend button")) == 12 and not find(driver, "#curve-panels .band path")
    one(driver, "#curve-controls button[data-mode=sd]").click()
    assert len(find(driver, "#curve-panels .band path")) == 12


def test_a_loss_that_diverges_is_shown_on_a_log_scale_and_breaks_where_it_is_nan(show, failed):
    driver = show(failed)
    pressed = [button.get_attribute("aria-pressed") for button in find(driver, "#curve-panels figcaption button")]
    assert pressed == ["true", "true"]
    assert len(find(driver, "#curve-panels path.broken")) == 2
    one(driver, "#curve-panels figcaption button").click()
    assert one(driver, "#curve-panels figcaption button").get_attribute("aria-pressed") == "false"


def test_one_run_of_one_epoch(show, single):
    driver = show(single)
    assert len(find(driver, "#curve-panels circle.kept")) >= 2 and not find(driver, "#curve-panels path[d*=L]")
    assert driver.execute_script("return [...document.images].every((image) => image.naturalWidth === 28)")


def test_classes_of_any_row_and_the_matrix(show, tagger):
    driver = show(tagger)
    assert len(find(driver, "#class-view .classes tbody tr")) == 49
    cells = find(driver, "#class-view .matrix tbody td")
    assert len(cells) == 49 * 49
    driver.execute_script("arguments[0].dispatchEvent(new Event('pointerover', {bubbles: true}))", cells[1])
    own = tagger.classes[0]
    share = own.confusion[0][1] / own.support[0]
    words = f"true NN, said IN: {own.confusion[0][1]:,} of 3,400 items ({share * 100:.1f} %)"
    assert one(driver, "#class-view output").text == words
    one(driver, "#class-view label:first-child option[value='most frequent tag per word']").click()
    first = find(driver, "#class-view .classes tbody tr:first-child td")
    assert first[1].text == f"{tagger.classes[-1].precision[0]:.4f}"


def test_the_theme_can_be_switched_and_follows_the_system(show, news):
    driver = show(news, theme="dark")
    paper = "return getComputedStyle(document.body).backgroundColor"
    assert driver.execute_script(paper) == "rgb(20, 23, 27)"
    button = one(driver, "#tools button")
    assert button.text == "Light"
    button.click()
    assert driver.execute_script(paper) == "rgb(255, 255, 255)" and button.text == "Dark"
    driver.refresh()
    assert driver.execute_script(paper) == "rgb(255, 255, 255)"
    driver.execute_script("localStorage.clear()")


@pytest.mark.parametrize("name", ["news", "korean", "fifty", "failed", "single", "tagger"])
def test_a_phone_never_scrolls_the_page_sideways(show, request, name):
    content = request.getfixturevalue(name)
    driver = show(content, size=PHONE)
    assert overflow(driver) == 0
    one(driver, "tr[data-row='0'] a.run").click()
    assert one(driver, "dialog").is_displayed() and overflow(driver) == 0
    assert (
        driver.execute_script("const d = document.querySelector('dialog'); return d.scrollWidth - d.clientWidth") == 0
    )


def test_nothing_hostile_runs(show, hostile):
    text = "</script><img src=x onerror=alert(1)><script>alert(1)</script>{{7*7}}'\"\u2028"
    driver = show(hostile(text))  # an alert would raise, the image would be asked for
    assert one(driver, "h1").get_attribute("textContent") == text
    one(driver, "tr[data-row='0'] a.run").click()
    assert one(driver, "#run-name").get_attribute("textContent") == f"a={text}"
    assert not find(driver, "img") and len(find(driver, "script")) == 2
    one(driver, "dialog .close").click()
    one(driver, "#filters select option[value^='=']").click()
    assert len([row for row in find(driver, "#runs tbody tr") if row.is_displayed()]) == 1


def test_readable_without_script(show, driver, news):
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show(news)
        assert [row.text for row in find(driver, "#runs tbody th") if row.is_displayed()][1].startswith("cell=gru")
        assert one(driver, "noscript p").is_displayed()
        assert not one(driver, "#filters").is_displayed()
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
