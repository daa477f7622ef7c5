// One run in full, in a dialog; `#run=<name>` in the address opens it.

const LOSSES = [
  ["train_loss", "training"],
  ["validation_loss", "validation"],
];

function startRun() {
  const dialog = one("#run");
  addEventListener("hashchange", openFromAddress);
  dialog.addEventListener("close", () => {
    if (location.hash.startsWith("#run=")) history.replaceState(null, "", location.pathname + location.search);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // its backdrop
  });
  openFromAddress();
}

function openFromAddress() {
  const dialog = one("#run");
  const row = location.hash.startsWith("#run=") ? rowOf.get(decodeURIComponent(location.hash.slice(5))) : null;
  if (!row) {
    if (dialog.open) dialog.close();
    return;
  }
  dialog.replaceChildren(...detail(row));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function detail(row) {
  const dialog = one("#run");
  const curve = curveOf.get(row.name);
  const classes = classesOf(row.name);
  const what =
    row.kind === "baseline"
      ? "baseline"
      : row.status === "finished"
        ? row.rank
          ? `run, rank ${row.rank}`
          : "run"
        : `run, ${row.status}`;
  const head = make(
    "header",
    {},
    make("p", { class: "quiet" }, what),
    text("h2", row.name, { id: "run-name" }),
    make(
      "div",
      { class: "tools" },
      curve &&
        make(
          "button",
          {
            type: "button",
            onclick: () => {
              dialog.close();
              selection.set([row.name]);
              one("#curves").scrollIntoView();
            },
          },
          "Highlight in the curves",
        ),
      make("button", { type: "button", class: "close", onclick: () => dialog.close() }, "Close"),
    ),
  );
  return [
    head,
    row.reason && make("p", { class: "note" }, text("span", row.reason)),
    figures(row),
    row.swept.length && section("Swept values", definitions(row.swept)),
    findingsOf(row),
    curve && section("Curves", make("div", { class: "panels" }, runCharts(curve))),
    curve && section("Epochs", epochTable(curve)),
    curve && Object.keys(curve.gradients).length && section("Gradients", gradientMatrix(curve)),
    classes &&
      section(
        "Class by class",
        make("div", { class: "class-figures" }, classTable(classes, null), confusionMatrix(classes)),
      ),
  ].filter(Boolean);
}

const section = (name, ...children) => make("section", {}, make("h3", {}, name), ...children);

const definitions = (pairs, look = "facts") =>
  make(
    "dl",
    { class: look },
    pairs.map(([name, value]) =>
      make("div", {}, text("dt", name), make("dd", {}, value instanceof Node ? value : text("span", value))),
    ),
  );

// what the table says of it
function figures(row) {
  const line = one(`tr[data-row="${row.place}"]`);
  const swept = new Set(row.swept.map(([key]) => key));
  const heads = all("thead th", line.closest("table")).map((head) => one("span", head).textContent);
  const pairs = heads
    .map((name, place) => [name, line.cells[place]])
    .filter(
      ([name, cell]) =>
        !["rank", "run", "reason"].includes(name) && !swept.has(name) && !["", "–"].includes(cell.textContent.trim()),
    )
    .map(([name, cell]) => [name, make("span", {}, (one(".figure", cell) ?? cell).textContent.trim(), interval(cell))]);
  return section("Figures", definitions(pairs, "tiles"));
}

const interval = (cell) => {
  const words = one("svg.interval title", cell)?.textContent.split(", ")[1];
  return words ? make("small", {}, ` ${words}`) : "";
};

function findingsOf(row) {
  const own = all("[data-finding]").filter((item) => data.findings[item.dataset.finding].runs.includes(row.name));
  if (!own.length) return null;
  return section(
    "Findings",
    make(
      "ul",
      { class: "findings" },
      own.map((item) => {
        const copy = item.cloneNode(true);
        copy.removeAttribute("id");
        all("button", copy).forEach((button) => button.remove());
        one(".runs", copy)?.remove();
        all(".see", copy).forEach((link) => link.remove());
        return copy;
      }),
    ),
  );
}

function runCharts(curve) {
  const kept = curve.kept === null ? [] : [curve.kept];
  const loss = new Chart({ title: "Loss: training dashed, validation solid", mayBeLog: true });
  const both = LOSSES.filter(([column]) => curve.columns[column]).map(([column, name]) => ({
    key: column,
    name,
    mark: "",
    points: pointsOf(curve, column),
    kept: column === "train_loss" ? [] : kept,
    colour: column === "train_loss" ? "var(--c1)" : "var(--c0)",
    dashed: column === "train_loss",
  }));
  const metric = new Chart({ title: capital(titleOf(data.metric)), mayBeLog: data.metric.endsWith("loss") });
  const line = {
    key: curve.run,
    name: titleOf(data.metric),
    mark: "",
    points: pointsOf(curve, data.metric),
    kept,
    colour: "var(--c0)",
  };
  loss.show(both);
  metric.show([line]);
  return data.metric === "validation_loss" ? [loss.element] : [loss.element, metric.element];
}

function epochTable(curve) {
  const columns = Object.keys(curve.columns).filter((column) => curve.columns[column].some((value) => value !== null));
  const head = columns.map((column) =>
    make("th", { scope: "col", class: "number" }, make("span", {}, titleOf(column))),
  );
  const body = curve.columns.epoch.map((epoch, place) =>
    make(
      "tr",
      { class: epoch === curve.kept ? "kept" : null },
      columns.map((column) =>
        make(
          column === "epoch" ? "th" : "td",
          { class: "number", scope: column === "epoch" ? "row" : null },
          column === "epoch"
            ? [String(+epoch.toFixed(2)), epoch === curve.kept && make("span", { class: "tag" }, "kept")]
            : short(curve.columns[column][place]),
        ),
      ),
    ),
  );
  const table = make(
    "table",
    {},
    make("caption", { class: "hidden" }, `Epochs of ${curve.run}`),
    make("thead", {}, make("tr", {}, head)),
    make("tbody", {}, body),
  );
  return scrolling(table, "Epochs");
}
