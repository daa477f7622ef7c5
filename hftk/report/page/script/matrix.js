// Matrices of shaded cells, which say their figures below when pointed at, touched or reached by keys.

// `cell(row, column)` gives {share: 0-1, kind, text, words}; null where there is nothing.
function matrix({ caption, rows, columns, rowsAre, columnsAre, cell, kind }) {
  const said = make("output", { class: "said" }, "Point at a cell for its figures.");
  const head = make(
    "tr",
    {},
    make("td", { class: "corner" }, make("span", {}, `${rowsAre} ↓  ${columnsAre} →`)),
    columns.map((name) => make("th", { scope: "col" }, text("span", name))),
  );
  const body = rows.map((name, row) =>
    make(
      "tr",
      {},
      text("th", name, { scope: "row" }),
      columns.map((_, column) => {
        const own = cell(row, column);
        if (!own) return make("td", { class: "none" });
        const td = make("td", { class: own.kind, "data-words": own.words }, own.text ?? "");
        td.style.setProperty("--share", `${Math.round(own.share * 100)}%`);
        return td;
      }),
    ),
  );
  const table = make(
    "table",
    { class: `matrix ${kind}`, "aria-label": caption },
    make("thead", {}, head),
    make("tbody", {}, body),
  );
  const tell = (event) => {
    const words = event.target.closest("td[data-words]")?.dataset.words;
    if (words) said.textContent = words;
  };
  table.addEventListener("pointerover", tell);
  table.addEventListener("pointerdown", tell);
  return make(
    "figure",
    { class: "shaded" },
    make("figcaption", { class: "hint" }, caption),
    scrolling(table, caption),
    said,
  );
}

function gradientMatrix(curve) {
  const { epoch, ...parts } = curve.gradients;
  const names = Object.keys(parts);
  const known = names.flatMap((name) => parts[name]).filter((value) => finite(value) && value > 0);
  if (!known.length) return make("p", { class: "hint" }, "No gradient of this run was a number above zero.");
  const [low, high] = [Math.log10(Math.min(...known)), Math.log10(Math.max(...known))];
  return matrix({
    caption: [
      "Gradient norm by part of the model, from the input (top) to the head, by epoch; the stronger the colour the",
      `larger, on a log scale from ${short(10 ** low)} to ${short(10 ** high)}.`,
    ].join(" "),
    rows: names,
    columns: epoch.map((value) => String(+value.toFixed(2))),
    rowsAre: "part",
    columnsAre: "epoch",
    kind: "gradients",
    cell(row, column) {
      const value = parts[names[row]][column];
      if (value === null || value === undefined) return null;
      const words = `${names[row]}, epoch ${+epoch[column].toFixed(2)}: ${short(value)}`;
      if (!finite(value)) return { share: 0, kind: "broken", text: "×", words };
      const share = value <= 0 ? 0 : high > low ? (Math.log10(value) - low) / (high - low) : 0.5;
      return { share, words };
    },
  });
}
