// A chart of lines over epochs. A line: {key, name, mark, colour, dashed, points, kept}; a point: {x, y}, and for the
// mean of seeds {low, high, n, of}.
// A point without y that is a number breaks the line; lines without a colour are grey, and not read off.

const CHART = { height: 250, left: 52, right: 26, top: 10, bottom: 28 };
const LOG_FROM = 20; // times the median: one line that diverges would press all others flat

class Chart {
  constructor({ title, mayBeLog = false }) {
    this.title = title;
    this.mayBeLog = mayBeLog;
    this.log = null; // until chosen: by the values
    this.tip = make("div", { class: "tip", role: "status", hidden: true });
    this.plot = make("div", { class: "plot" });
    this.note = make("span", { class: "quiet" });
    this.logButton = make("button", { type: "button", class: "small", onclick: () => this.toggleLog() }, "log scale");
    const head = make("figcaption", {}, make("span", {}, title, " ", this.note), mayBeLog && this.logButton);
    this.element = make("figure", { class: "chart" }, head, make("div", { class: "stage" }, this.plot, this.tip));
    this.width = 0;
    new ResizeObserver(([entry]) => {
      if (Math.abs(entry.contentRect.width - this.width) > 1) this.draw();
    }).observe(this.plot);
    this.plot.addEventListener("pointermove", (event) => this.point(event));
    this.plot.addEventListener("pointerdown", (event) => this.point(event));
    this.plot.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && this.read(null));
    this.plot.addEventListener("keydown", (event) => this.step(event));
    this.plot.addEventListener("blur", () => this.read(null));
    // a tap's values stay until the next tap elsewhere
    document.addEventListener("pointerdown", (event) => this.plot.contains(event.target) || this.read(null));
    this.plot.tabIndex = 0;
    this.plot.setAttribute("role", "img");
  }

  show(lines, epoch = null) {
    this.lines = lines;
    this.epoch = epoch;
    this.draw();
  }

  toggleLog() {
    this.log = !this.isLog;
    this.draw();
  }

  draw() {
    this.width = this.plot.clientWidth;
    if (!this.lines || !this.width) return;
    const points = this.lines.flatMap((line) => line.points).filter((point) => finite(point.y));
    this.plot.setAttribute("aria-label", this.description(points));
    this.tip.hidden = true;
    if (!points.length) {
      this.plot.replaceChildren(make("p", { class: "empty" }, "Nothing was recorded."));
      return;
    }
    const ys = points.flatMap(({ y, low, high }) => [y, low ?? y, high ?? y]).sort((a, b) => a - b);
    const mayBeLog = this.mayBeLog && ys[0] > 0;
    this.isLog = mayBeLog && (this.log ?? ys[ys.length - 1] > LOG_FROM * ys[Math.floor(ys.length / 2)]);
    this.logButton.hidden = !mayBeLog;
    this.logButton.setAttribute("aria-pressed", this.isLog);
    const xs = [...new Set(this.lines.flatMap((line) => line.points.map((point) => point.x)))].sort((a, b) => a - b);
    this.x = scale(span(xs[0], xs[xs.length - 1], 0.5), [CHART.left, this.width - CHART.right], false);
    this.y = scale(padded(ys[0], ys[ys.length - 1], this.isLog), [CHART.height - CHART.bottom, CHART.top], this.isLog);
    this.rule = svg("line", { class: "rule", y1: CHART.top, y2: CHART.height - CHART.bottom, visibility: "hidden" });
    const grey = this.lines.filter((line) => !line.colour);
    const coloured = this.lines.filter((line) => line.colour);
    this.xs = [
      ...new Set((coloured.length ? coloured : grey).flatMap((line) => line.points.map((point) => point.x))),
    ].sort((a, b) => a - b);
    this.plot.replaceChildren(
      svg(
        "svg",
        { viewBox: `0 0 ${this.width} ${CHART.height}`, width: "100%", "aria-hidden": "true" },
        this.axes(xs),
        this.epoch !== null && this.focus(),
        grey.map((line) => this.line(line)),
        coloured.map((line) => this.band(line)),
        // the best are drawn last, on top
        [...coloured].reverse().map((line) => this.line(line)),
        this.marks(coloured),
        this.rule,
      ),
    );
  }

  axes(xs) {
    const bottom = CHART.height - CHART.bottom;
    const room = this.width - CHART.left - CHART.right;
    return svg(
      "g",
      { class: "axes" },
      this.y
        .ticks(5)
        .map((tick) => [
          svg("line", { x1: CHART.left, x2: this.width - CHART.right, y1: this.y(tick), y2: this.y(tick) }),
          svg("text", { x: CHART.left - 7, y: this.y(tick) + 4, "text-anchor": "end" }, this.y.label(tick)),
        ]),
      epochTicks(xs, Math.max(2, Math.floor(room / 45))).map((tick) =>
        svg("text", { x: this.x(tick), y: bottom + 16, "text-anchor": "middle" }, String(+tick.toFixed(2))),
      ),
      svg("text", { x: CHART.left - 7, y: bottom + 16, "text-anchor": "end" }, "epoch"),
    );
  }

  focus() {
    const x = this.x(this.epoch);
    return svg("line", { class: "focus", x1: x, x2: x, y1: CHART.top, y2: CHART.height - CHART.bottom });
  }

  line(line) {
    const look = { class: line.colour ? "line" : "line grey" };
    const group = svg("g", look);
    if (line.colour) group.style.color = line.colour;
    const single = new Set();
    for (const run of unbroken(line.points)) {
      // dotted where not every seed of a setting has a value any more: the mean may jump there
      for (const [dotted, piece] of pieces(run)) {
        const path = piece
          .map((point, place) => `${place ? "L" : "M"}${at(this.x(point.x))} ${at(this.y(point.y))}`)
          .join("");
        group.append(svg("path", { d: path, class: dotted ? "dotted" : line.dashed ? "dashed" : "" }));
      }
      if (run.length === 1) single.add(run[0]);
      if (run.broken) {
        const [x, y] = [this.x(run[run.length - 1].x), this.y(run[run.length - 1].y)];
        group.append(svg("path", { class: "broken", d: `M${at(x - 4)} ${at(y - 4)}l8 8m0 -8l-8 8` }));
      }
    }
    for (const point of line.points) {
      if (!finite(point.y)) continue;
      const kept = line.kept.includes(point.x);
      if (kept && line.colour)
        group.append(svg("circle", { class: "kept", cx: at(this.x(point.x)), cy: at(this.y(point.y)), r: 4.5 }));
      else if (single.has(point))
        group.append(svg("circle", { cx: at(this.x(point.x)), cy: at(this.y(point.y)), r: 2.5 }));
    }
    return group;
  }

  band(line) {
    const group = svg("g", { class: "band" });
    group.style.color = line.colour;
    for (const run of unbroken(line.points)) {
      if (run.every((point) => point.low === undefined) || run.length < 2) continue;
      const upper = run.map((point) => `${at(this.x(point.x))} ${at(this.y(point.high))}`);
      const lower = run.map(
        (point) =>
          `${at(this.x(point.x))} ${at(this.y(this.isLog ? Math.max(point.low, this.y.domain[0]) : point.low))}`,
      );
      group.append(svg("path", { d: `M${upper.join("L")}L${lower.reverse().join("L")}Z` }));
    }
    return group;
  }

  // ranks at the ends of the lines, pushed apart where they would meet, each led to by its line's colour
  marks(lines) {
    const ends = lines
      .map((line) => ({ line, point: line.points.filter((point) => finite(point.y)).pop() }))
      .filter(({ line, point }) => line.mark && point)
      .map(({ line, point }) => ({ line, x: this.x(point.x), end: this.y(point.y), y: this.y(point.y) }))
      .sort((a, b) => a.y - b.y);
    if (ends.length < 2) return [];
    const low = CHART.height - CHART.bottom;
    for (let i = 1; i < ends.length; i += 1) ends[i].y = Math.max(ends[i].y, ends[i - 1].y + 11);
    for (let i = ends.length - 1, most = low; i >= 0; i -= 1, most -= 11) ends[i].y = Math.min(ends[i].y, most);
    return ends.map(({ line, x, end, y }) => {
      const leader = svg("path", { class: "leader", d: `M${at(x + 2)} ${at(end)}L${at(x + 9)} ${at(y)}` });
      leader.style.color = line.colour;
      return [leader, svg("text", { class: "mark", x: at(x + 11), y: at(y + 4) }, line.mark)];
    });
  }

  point(event) {
    if (!this.x || !this.xs?.length) return;
    const x = event.clientX - this.plot.getBoundingClientRect().left;
    this.read(this.xs.reduce((best, own) => (Math.abs(this.x(own) - x) < Math.abs(this.x(best) - x) ? own : best)));
  }

  step(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || !this.xs?.length) return;
    event.preventDefault();
    const place =
      this.cursor === null || this.cursor === undefined ? (by > 0 ? -1 : this.xs.length) : this.xs.indexOf(this.cursor);
    this.read(this.xs[Math.min(this.xs.length - 1, Math.max(0, place + by))]);
  }

  // the values of the highlighted lines at one epoch
  read(epoch) {
    this.cursor = epoch;
    if (!this.rule) return;
    this.tip.hidden = epoch === null;
    this.rule.setAttribute("visibility", epoch === null ? "hidden" : "visible");
    if (epoch === null) return;
    const x = this.x(epoch);
    this.rule.setAttribute("x1", x);
    this.rule.setAttribute("x2", x);
    const coloured = this.lines.filter((line) => line.colour);
    const read = (coloured.length ? coloured : this.lines.slice(0, 1))
      .map((line) => ({ line, point: line.points.find((point) => point.x === epoch) }))
      .filter(({ point }) => point && point.y !== null && point.y !== undefined)
      .sort((a, b) => (finite(b.point.y) ? b.point.y : Infinity) - (finite(a.point.y) ? a.point.y : Infinity));
    this.tip.replaceChildren(
      make("p", {}, `epoch ${+epoch.toFixed(2)}`),
      make(
        "ul",
        {},
        read.map(({ line, point }) =>
          make(
            "li",
            {},
            key(line),
            make("b", {}, short(point.y)),
            spread(point),
            text("span", middle(line.name, 44)),
            line.kept.includes(epoch) && make("i", {}, "kept"),
          ),
        ),
      ),
    );
    // on the side with more of the window; below the chart where neither has enough (charts.css)
    const left = this.plot.getBoundingClientRect().left + x > document.documentElement.clientWidth / 2;
    this.tip.style.left = left ? "auto" : `${x + 12}px`;
    this.tip.style.right = left ? `${this.width - x + 12}px` : "auto";
  }

  description(points) {
    if (!points.length) return `${this.title}: nothing was recorded`;
    const ys = points.map((point) => point.y);
    return (
      `${this.title} over epochs, ${this.lines.length} ${this.lines.length === 1 ? "line" : "lines"}, from ` +
      `${short(Math.min(...ys))} to ${short(Math.max(...ys))}; the arrow keys read off values`
    );
  }
}

const at = (value) => Math.round(value * 10) / 10;
const spread = (point) => point.of > 1 && make("small", {}, `${short(point.low)}–${short(point.high)}, n=${point.n}`);

// the sample of a line in a legend
function key(line) {
  const sample = svg(
    "svg",
    { class: "key", viewBox: "0 0 18 8", width: 18, height: 8, "aria-hidden": "true" },
    svg("line", { x1: 0, x2: 18, y1: 4, y2: 4, class: line.dashed ? "dashed" : "" }),
  );
  sample.style.color = line.colour ?? "var(--grey-line)";
  return sample;
}

// runs of points with a value; `broken` where one follows that is not finite. A missing value is no point at all.
function unbroken(points) {
  const runs = [[]];
  for (const point of points) {
    const last = runs[runs.length - 1];
    if (finite(point.y)) last.push(point);
    else if (point.y !== null && point.y !== undefined && last.length) {
      last.broken = true;
      runs.push([]);
    }
  }
  return runs.filter((run) => run.length);
}

function pieces(points) {
  const found = [];
  for (let i = 1; i < points.length; i += 1) {
    const dotted = points[i].n < points[i].of || points[i - 1].n < points[i - 1].of;
    if (!found.length || found[found.length - 1][0] !== dotted) found.push([dotted, [points[i - 1]]]);
    found[found.length - 1][1].push(points[i]);
  }
  return found;
}
