// Makes elements of the page, and writes numbers the way people read them.

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const WHOLE = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const TENTHS = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 1 });
const count = (number) => WHOLE.format(number);
const hours = (minutes) => `${count(minutes / 60)} h`;
const decimal = (number) => TENTHS.format(number);
const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

// A share as a whole percentage; a little is never nothing, nearly all is never all.
function percent(share) {
  if (share === null) return "–";
  if (share > 0 && share < 0.005) return "<1%";
  if (share < 1 && share >= 0.995) return ">99%";
  return `${Math.round(share * 100)}%`;
}

const shownShare = (value, isCut) => (isCut && value === 0 ? "none shown" : percent(value));

// A cell of a table: a text, or {text, value, ...} where value is the figure unrounded.
function cell(tag, content, scope) {
  const { text, value, child, kind } = typeof content === "object" ? content : { text: content };
  return element(tag, { scope, class: kind, "data-value": value }, child ?? text);
}

// A table with its headings; the first cell of a row is the row's heading.
function table(caption, headings, rows) {
  return element("table", {},
    element("caption", {}, caption),
    element("thead", {}, element("tr", {}, ...headings.map((name) => cell("th", name, "col")))),
    element("tbody", {}, ...rows.map(([first, ...rest]) =>
      element("tr", {}, cell("th", first, "row"), ...rest.map((each) => cell("td", each))))));
}

const number = (value, text = count(value)) => ({ text, value, kind: "number" });
const share = (value) => ({ text: percent(value), value: value ?? "", kind: "number" });

// A share with a bar behind it, for rankings.
function bar(value) {
  const filled = element("span", { class: "bar", "aria-hidden": "true" });
  filled.style.setProperty("--share", `${Math.min(1, value ?? 0) * 100}%`);
  const child = element("span", { class: "barred" }, filled, element("span", {}, percent(value)));
  return { child, value: value ?? "", kind: "bar-cell" };
}

// Shows rows that may be many in a box of its own that scrolls, by the keyboard too.
const scrolling = (label, content) =>
  element("div", { class: "scrolling", tabindex: "0", role: "region", "aria-label": label }, content);
