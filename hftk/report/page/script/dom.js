// Elements, numbers and words, as all other parts of the page write them.

const data = JSON.parse(document.getElementById("payload").textContent);
const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

const SVG = "http://www.w3.org/2000/svg";
const svg = (tag, attributes, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);
const make = (tag, attributes, ...children) => filled(document.createElement(tag), attributes, children);

// Children that are no nodes become text: nothing of the data is ever read as markup.
function filled(element, attributes = {}, children = []) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

// A text of the data or of the recipe, whose language is unknown.
const text = (tag, words, attributes = {}) =>
  make(tag, { lang: "", ...attributes, class: `text ${attributes.class ?? ""}`.trim() }, String(words));

const finite = (value) => typeof value === "number" && Number.isFinite(value);

// Four digits that count: 0.6351, 12.3, 3.2e-5.
function short(value) {
  if (value === null || value === undefined) return "–";
  if (!finite(value)) return String(value);
  if (value === 0) return "0";
  if (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6) {
    return value
      .toExponential(2)
      .replace(".00e", "e")
      .replace("e+", "e")
      .replace("-", "\u2212")
      .replace("e-", "e\u2212");
  }
  const digits = Math.abs(value) < 1 ? 4 : Math.max(0, 3 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(digits).replace("-", "\u2212");
}

const count = (value) => value.toLocaleString("en-US");
const percent = (share) => `${(share * 100).toFixed(1)} %`;
const four = (value) => (finite(value) ? value.toFixed(4) : "–");

// Names of runs differ at their ends: the middle is left out.
function middle(name, most) {
  const letters = [...name];
  const half = Math.floor((most - 1) / 2);
  return letters.length <= most ? name : [...letters.slice(0, half), "…", ...letters.slice(-half)].join("");
}

// `validation accuracy` for validation_accuracy; a metric's own underscores stay.
const titleOf = (column) =>
  ({ train_loss: "training loss", grad_norm: "gradient norm", learning_rate: "learning rate" })[column] ??
  column.replace("_", " ");

const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);

// A box that scrolls by itself, so that the page never has to.
const scrolling = (table, name) =>
  fading(
    make(
      "div",
      { class: table.rows.length > 30 ? "scroll tall" : "scroll", role: "region", "aria-label": name, tabindex: 0 },
      table,
    ),
  );

// Fades where there is more to the right: not every system shows its scroll bars.
function fading(box) {
  const look = () => box.classList.toggle("on", box.scrollLeft + box.clientWidth < box.scrollWidth - 2);
  box.addEventListener("scroll", look, { passive: true });
  new ResizeObserver(look).observe(box);
  return box;
}
