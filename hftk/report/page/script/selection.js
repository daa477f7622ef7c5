// Which runs are highlighted, at which epoch, and in which colours: the table, the curves and the findings share it.

const HIGHLIGHTED = 12; // more lines cannot be told apart
const COLOURS = 8;

const rowOf = new Map(data.rows.map((row, place) => [row.name, { ...row, place }]));
const curveOf = new Map(data.curves.map((curve) => [curve.run, curve]));

const selection = {
  runs: new Set(),
  epoch: null,
  set(runs, epoch = null) {
    this.runs = new Set(runs);
    this.epoch = epoch;
    document.dispatchEvent(new Event("selection"));
  },
  toggle(run) {
    const runs = new Set(this.runs);
    if (!runs.delete(run)) runs.add(run);
    this.set(runs);
  },
};

// Key → look, for at most HIGHLIGHTED of `keys`: the selected ones, or the first where none is selected. A key that
// is among the first keeps its colour whatever else is selected.
function looks(keys, selected) {
  const shown = (selected.size ? keys.filter((key) => selected.has(key)) : keys).slice(0, HIGHLIGHTED);
  const places = new Map();
  for (const key of shown) if (keys.indexOf(key) < HIGHLIGHTED) places.set(key, keys.indexOf(key));
  const taken = new Set(places.values());
  let free = 0;
  for (const key of shown) {
    if (places.has(key)) continue;
    while (taken.has(free)) free += 1;
    taken.add(free);
    places.set(key, free);
  }
  // beyond the colours, the line is dashed
  return new Map(
    [...places].map(([key, place]) => [key, { colour: `var(--c${place % COLOURS})`, dashed: place >= COLOURS }]),
  );
}
