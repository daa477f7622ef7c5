// Precision, recall and F1 of each class, and the confusion matrix, of one row of the comparison.

const COUNTED = 20; // classes up to which the cells of the matrix hold their counts

function unpacked(packed, length) {
  const cells = new Array(length).fill(0);
  let place = 0;
  for (const value of packed) {
    if (value < 0) place -= value;
    else cells[place++] = value;
  }
  return cells;
}

function classTable(classes, other) {
  const columns = ["class", `${classes.split} items`, "precision", "recall", "F1"];
  if (other) columns.push(`F1 over ${other.row}`);
  const head = columns.map((name, place) =>
    make(
      "th",
      {
        scope: "col",
        class: place ? "number" : "name",
        "data-kind": place ? "number" : "text",
        "data-first": place ? "descending" : "ascending",
      },
      make("span", {}, name),
    ),
  );
  const number = (value, words) => make("td", { class: "number", "data-value": finite(value) ? value : null }, words);
  const body = data.labels.map((label, place) => {
    const f1 = classes.f1[place];
    const difference = other && finite(f1) && finite(other.f1[place]) ? f1 - other.f1[place] : null;
    const cell = number(f1, four(f1));
    cell.classList.add("filled");
    cell.style.setProperty("--share", `${finite(f1) ? f1 * 100 : 0}%`);
    return make(
      "tr",
      {},
      make("th", { scope: "row", class: "name", "data-value": label }, make("div", {}, text("span", label))),
      number(classes.support[place], count(classes.support[place])),
      number(classes.precision[place], four(classes.precision[place])),
      number(classes.recall[place], four(classes.recall[place])),
      cell,
      other &&
        number(
          difference,
          difference === null
            ? "–"
            : `${difference > 0 ? "+" : difference < 0 ? "\u2212" : ""}${Math.abs(difference).toFixed(4)}`,
        ),
    );
  });
  const table = make(
    "table",
    { class: "sortable classes" },
    make("caption", {}, `Class by class on ${classes.split}`),
    make("thead", {}, make("tr", {}, head)),
    make("tbody", {}, body),
  );
  sortable(table);
  return scrolling(table, "Class by class");
}

function confusionMatrix(classes) {
  const size = data.labels.length;
  const cells = unpacked(classes.confusion, size * size);
  const totals = data.labels.map((_, row) =>
    cells.slice(row * size, (row + 1) * size).reduce((sum, value) => sum + value, 0),
  );
  return matrix({
    caption: [
      `Confusion matrix on ${classes.split}, in items; the shade is the square root of the share of the true label's`,
      "items, blue where right.",
    ].join(" "),
    rows: data.labels,
    columns: data.labels,
    rowsAre: "true",
    columnsAre: "said",
    kind: size > COUNTED ? "confusion dense" : "confusion",
    cell(row, column) {
      const items = cells[row * size + column];
      const share = totals[row] ? items / totals[row] : 0;
      return {
        share: Math.sqrt(share),
        kind: row === column ? "right" : null,
        text: size <= COUNTED && items ? count(items) : "",
        words: [
          `true ${data.labels[row]}, said ${data.labels[column]}:`,
          `${count(items)} of ${count(totals[row])} items (${percent(share)})`,
        ].join(" "),
      };
    },
  });
}

const classesOf = (row) => data.classes.find((classes) => classes.row === row);

function startClasses() {
  const view = one("#class-view");
  if (!view) return;
  const names = data.classes.map((classes) => classes.row);
  const baselines = names.filter((name) => rowOf.get(name)?.kind === "baseline");
  const chosen = { row: names[0], other: baselines.find((name) => name !== names[0]) ?? "" };
  const shown = make("div", { class: "class-figures" });
  const show = () => {
    const classes = classesOf(chosen.row);
    const other = chosen.other && chosen.other !== chosen.row ? classesOf(chosen.other) : null;
    shown.replaceChildren(classTable(classes, other), confusionMatrix(classes));
  };
  const controls = make(
    "div",
    { class: "controls" },
    chooser("Of", names, (name) => {
      chosen.row = name;
      show();
    }),
  );
  if (names.length > 1) {
    const besides = chooser("beside", ["", ...names], (name) => {
      chosen.other = name;
      show();
    });
    one("option", besides).textContent = "none";
    one("select", besides).value = chosen.other;
    controls.append(besides);
  }
  view.append(controls, shown);
  show();
}
