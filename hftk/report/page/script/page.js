// What the page is started with: theme, buttons that copy, links from findings to curves.

function startTheme() {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const now = () => root.dataset.theme ?? (dark.matches ? "dark" : "light");
  const button = make("button", { type: "button", onclick: () => choose(now() === "dark" ? "light" : "dark") });
  const name = () => {
    button.textContent = now() === "dark" ? "Light" : "Dark";
    button.setAttribute("aria-label", `Switch to the ${button.textContent.toLowerCase()} theme`);
  };
  function choose(theme) {
    root.dataset.theme = theme;
    name();
    try {
      localStorage.setItem("hftk-theme", theme);
    } catch {} // a file may not be allowed to remember
  }
  try {
    const kept = localStorage.getItem("hftk-theme");
    if (kept === "dark" || kept === "light") root.dataset.theme = kept;
  } catch {}
  dark.addEventListener("change", name);
  name();
  one("#tools").append(button);
}

function startCopying() {
  for (const place of all(".copyable")) {
    const words = one("code", place).textContent;
    const button = make("button", { type: "button", class: "small", "aria-label": place.dataset.name }, "copy");
    button.addEventListener("click", async () => {
      button.textContent = (await copied(words)) ? "copied" : "select it";
      setTimeout(() => {
        button.textContent = "copy";
      }, 1500);
    });
    place.append(button);
  }
}

async function copied(words) {
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch {
    // a page from a file may be refused the clipboard
    const area = make("textarea", { class: "hidden" });
    area.value = words;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

const LONG = 420; // letters of an example, from which on it is shown in part

function startSamples() {
  for (const sample of all(".sample")) {
    if (sample.textContent.length <= LONG) continue;
    const button = make(
      "button",
      {
        type: "button",
        class: "small",
        "aria-expanded": "false",
        onclick: () => {
          const cut = sample.classList.toggle("cut");
          button.setAttribute("aria-expanded", !cut);
          button.textContent = cut ? "whole text" : "less";
        },
      },
      "whole text",
    );
    sample.classList.add("cut");
    sample.after(button);
  }
}

function startFindings() {
  for (const item of all("[data-finding]")) {
    const { runs, epoch } = data.findings[item.dataset.finding];
    const known = runs.filter((run) => curveOf.has(run));
    if (!known.length) continue;
    one(".of", item).append(
      " ",
      make(
        "a",
        {
          href: "#curves",
          class: "see",
          onclick: () => {
            if (curves.mode !== "runs") curves.mode = "runs";
            selection.set(known, epoch);
            one("#curves").focus({ preventScroll: true });
          },
        },
        "see it in the curves",
      ),
    );
  }
}

startTheme();
startTables();
startCurves();
startClasses();
startCopying();
startFindings();
startSamples();
startRun();
