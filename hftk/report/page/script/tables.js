// Tables that are sorted by their columns and filtered by words and values.

function sortable(table) {
  const heads = all("thead th", table);
  const body = one("tbody", table);
  const before = [...body.rows];
  heads.forEach((head, place) => {
    const button = make("button", { type: "button", onclick: () => press(head, place) });
    button.append(...head.childNodes);
    head.append(button);
  });

  // first press, second press, and back to the order of the page
  function press(head, place) {
    const first = head.dataset.first;
    const second = first === "ascending" ? "descending" : "ascending";
    const now = head.getAttribute("aria-sort");
    const next = now === null ? first : now === first ? second : null;
    for (const other of heads) other.removeAttribute("aria-sort");
    if (next) head.setAttribute("aria-sort", next);
    body.append(...(next ? sorted(place, head.dataset.kind === "number", next === "descending") : before));
  }

  function sorted(place, numbers, descending) {
    const value = (row) => row.cells[place].dataset.value;
    const compare = numbers
      ? (a, b) => Number(a) - Number(b)
      : (a, b) => a.localeCompare(b, undefined, { numeric: true });
    const known = before.filter((row) => value(row) !== undefined);
    known.sort((a, b) => compare(value(a), value(b)) * (descending ? -1 : 1));
    return [...known, ...before.filter((row) => value(row) === undefined)];
  }
}

function startTables() {
  all("table.sortable").forEach(sortable);
  all(".scroll").forEach(fading);
  const rows = all("#runs tbody tr, #unfinished-runs tbody tr");
  for (const row of rows) {
    row.addEventListener("click", (event) => {
      if (!event.target.closest("a, input, button") && !String(getSelection())) one("a.run", row).click();
    });
    const name = data.rows[row.dataset.row].name;
    if (!curveOf.has(name)) continue;
    const box = make("input", { type: "checkbox", "aria-label": `Highlight ${name} in the curves` });
    box.addEventListener("change", () => selection.toggle(name));
    one("th.name > div", row).prepend(box);
  }
  startFilters(rows);
}

function startFilters(rows) {
  const form = one("#filters");
  form.hidden = rows.length < 3;
  const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const swept = new Map(rows.map((row) => [row, JSON.parse(row.dataset.swept)]));

  function filter() {
    const wanted = one("#filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    const values = all("select", form).filter((select) => select.value);
    for (const row of rows) {
      const own = swept.get(row);
      row.hidden = !(
        wanted.every((word) => words.get(row).includes(word)) &&
        values.every((select) => own[select.dataset.key] === select.value.slice(1))
      );
    }
    const left = rows.filter((row) => !row.hidden).length;
    one("#shown").textContent = left === rows.length ? "" : `${left} of ${rows.length} rows`;
  }

  form.addEventListener("input", filter);
  form.addEventListener("change", filter);
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", (event) => event.preventDefault());
  const button = one("#highlight-shown");
  button.hidden = !data.curves.length;
  button.addEventListener("click", () => {
    const shown = rows.filter((row) => !row.hidden).map((row) => data.rows[row.dataset.row].name);
    selection.set(shown.filter((name) => curveOf.has(name)));
    one("#curves").scrollIntoView();
  });
}
