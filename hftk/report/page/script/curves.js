// The curves of all runs, and the gradients of one.

const LATER = ["epoch", "seconds"]; // no curves of their own

const curves = { mode: "runs", panels: new Map(), wanted: new Set() };

const inOrder = () => [...data.curves].sort((a, b) => (rowOf.get(a.run)?.place ?? 0) - (rowOf.get(b.run)?.place ?? 0));

function pointsOf(curve, column) {
  const values = curve.columns[column];
  return values ? curve.columns.epoch.map((x, place) => ({ x, y: values[place] })) : [];
}

const markOf = (name) => {
  const rank = rowOf.get(name)?.rank;
  return rank ? String(rank) : "";
};

function runLines(column) {
  const ordered = inOrder();
  const look = looks(
    ordered.map((curve) => curve.run),
    selection.runs,
  );
  return ordered.map((curve) => ({
    key: curve.run,
    name: curve.run,
    mark: markOf(curve.run),
    points: pointsOf(curve, column),
    kept: curve.kept === null ? [] : [curve.kept],
    ...look.get(curve.run),
  }));
}

// a line per setting: the mean of its seeds, and a band
function settingLines(column) {
  const settings = new Map();
  for (const curve of inOrder()) settings.set(curve.setting, [...(settings.get(curve.setting) ?? []), curve]);
  const selected = new Set(
    [...settings].filter(([, own]) => own.some((curve) => selection.runs.has(curve.run))).map(([name]) => name),
  );
  const look = looks([...settings.keys()], selected);
  return [...settings].map(([name, own], place) => {
    const at = new Map();
    for (const curve of own) {
      for (const { x, y } of pointsOf(curve, column)) at.set(x, [...(at.get(x) ?? []), y]);
    }
    const points = [...at].sort((a, b) => a[0] - b[0]).map(([x, values]) => over(x, values, own.length));
    return {
      key: name,
      name,
      runs: own.map((curve) => curve.run),
      mark: String(place + 1),
      points,
      kept: [],
      ...look.get(name),
    };
  });
}

function over(x, values, of) {
  const known = values.filter(finite);
  if (!known.length) return { x, y: values.some((value) => value !== null) ? "NaN" : null };
  const n = known.length;
  const mean = known.reduce((sum, value) => sum + value, 0) / n;
  if (of === 1) return { x, y: mean };
  if (curves.mode === "range") return { x, y: mean, low: Math.min(...known), high: Math.max(...known), n, of };
  const sd = n > 1 ? Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1)) : 0;
  return { x, y: mean, low: mean - sd, high: mean + sd, n, of };
}

const linesOf = (column) => (curves.mode === "runs" ? runLines(column) : settingLines(column));

function startCurves() {
  if (!data.curves.length) return;
  const columns = [...new Set(data.curves.flatMap((curve) => Object.keys(curve.columns)))].filter(
    (column) => !LATER.includes(column),
  );
  const first = [...new Set([data.metric, "validation_loss", "train_loss"])].filter((column) =>
    columns.includes(column),
  );
  for (const column of first) curves.wanted.add(column);
  const settings = new Set(data.curves.map((curve) => curve.setting));
  const controls = one("#curve-controls");
  if (settings.size < data.curves.length) {
    curves.mode = "range";
    const modes = { runs: "each run", range: "mean and range of seeds", sd: "mean ± sd of seeds" };
    controls.append(
      make(
        "div",
        { class: "choice", role: "group", "aria-label": "Lines" },
        Object.entries(modes).map(([mode, name]) =>
          make(
            "button",
            {
              type: "button",
              "data-mode": mode,
              onclick: () => {
                curves.mode = mode;
                showCurves();
              },
            },
            name,
          ),
        ),
      ),
    );
  }
  const more = columns.filter((column) => !first.includes(column));
  if (more.length) {
    controls.append(
      make(
        "div",
        { class: "choice", role: "group", "aria-label": "Further curves" },
        make("span", { class: "quiet" }, "also"),
        more.map((column) =>
          make(
            "button",
            {
              type: "button",
              "data-column": column,
              onclick: () => {
                if (!curves.wanted.delete(column)) curves.wanted.add(column);
                showCurves();
              },
            },
            titleOf(column),
          ),
        ),
      ),
    );
  }
  document.addEventListener("selection", showCurves);
  showCurves();
  startGradients();
}

function showCurves() {
  for (const button of all("#curve-controls [data-mode]"))
    button.setAttribute("aria-pressed", button.dataset.mode === curves.mode);
  for (const button of all("#curve-controls [data-column]"))
    button.setAttribute("aria-pressed", curves.wanted.has(button.dataset.column));
  const box = one("#curve-panels");
  for (const column of curves.wanted) {
    if (curves.panels.has(column)) continue;
    const mayBeLog = column.endsWith("loss") || column === "grad_norm" || column === "learning_rate";
    const chart = new Chart({ title: capital(titleOf(column)), mayBeLog });
    curves.panels.set(column, chart);
    box.append(chart.element);
  }
  for (const [column, chart] of curves.panels) {
    chart.element.hidden = !curves.wanted.has(column);
    if (!chart.element.hidden) chart.show(linesOf(column), selection.epoch);
  }
  showLegend();
  showFocus();
  showBoxes();
}

function showLegend() {
  const lines = linesOf(data.metric);
  const coloured = lines.filter((line) => line.colour);
  const others = lines.length - coloured.length;
  const items = coloured.map((line) =>
    make(
      "li",
      {},
      make(
        "button",
        {
          type: "button",
          "aria-pressed": (line.runs ?? [line.key]).some((run) => selection.runs.has(run)),
          title: "Highlight this one alone; again for all",
          onclick: () => isolate(line.runs ?? [line.key]),
        },
        key(line),
        make("span", { class: "quiet" }, line.mark ? `${line.mark}.` : ""),
        text("span", line.name),
      ),
    ),
  );
  if (others)
    items.push(
      make(
        "li",
        {},
        key({}),
        make(
          "span",
          { class: "quiet" },
          `${others} other${others === 1 ? "" : "s"}, grey; tick rows of the table to highlight them`,
        ),
      ),
    );
  one("#legend").replaceChildren(...items);
}

function isolate(runs) {
  const alone = selection.runs.size === runs.length && runs.every((run) => selection.runs.has(run));
  selection.set(alone ? [] : runs);
}

function showFocus() {
  const note = one("#curve-focus");
  const runs = [...selection.runs];
  note.hidden = !runs.length;
  const epoch = selection.epoch === null ? "" : ` at epoch ${+selection.epoch.toFixed(2)}`;
  const more = runs.length > HIGHLIGHTED && curves.mode === "runs" ? ` (the first ${HIGHLIGHTED} in colour)` : "";
  note.replaceChildren(
    "Highlighted: ",
    runs.length <= 2 ? text("b", runs.join(" and ")) : `${runs.length} runs`,
    epoch,
    more,
    " ",
    make("button", { type: "button", class: "small", onclick: () => selection.set([]) }, "show all"),
  );
}

// the boxes of the table have the colours of the curves
function showBoxes() {
  const colours = new Map(
    linesOf(data.metric).flatMap((line) => (line.runs ?? [line.key]).map((run) => [run, line.colour])),
  );
  for (const row of all("tr[data-row]")) {
    const box = one("th.name input", row);
    if (!box) continue;
    const name = data.rows[row.dataset.row].name;
    box.checked = selection.runs.has(name);
    box.style.setProperty("--own", colours.get(name) ?? "var(--grey-line)");
  }
}

function startGradients() {
  const view = one("#gradient-view");
  if (!view) return;
  const own = inOrder().filter((curve) => Object.keys(curve.gradients).length);
  const shown = make("div");
  const show = (name) => shown.replaceChildren(gradientMatrix(curveOf.get(name)));
  const choose = chooser(
    "Run",
    own.map((curve) => curve.run),
    show,
  );
  view.append(choose, shown);
  show(own[0].run);
  // a finding leads to its run here too
  document.addEventListener("selection", () => {
    const [run, ...others] = selection.runs;
    if (others.length || !own.some((curve) => curve.run === run)) return;
    one("select", choose).value = run;
    show(run);
  });
}

function chooser(name, options, onchange) {
  const select = make(
    "select",
    { onchange: () => onchange(select.value) },
    options.map((option) => make("option", { value: option }, option)),
  );
  return make("label", { class: "chooser" }, make("span", {}, name), select);
}
