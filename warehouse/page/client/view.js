// Makes elements of the page: cells, tables with their download, and the frame of every section.

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// A cell of a table: a text, or {text or child, value, kind} where value is the figure unrounded.
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

// What a share was in the period before, and by how many points it differs.
function shareBefore(value, now) {
  if (value === null || value === undefined || now === null) return { text: "–", value: "", kind: "number" };
  return { text: `${percent(value)} (${signed(points(now, value))})`, value, kind: "number" };
}

// A share with a bar behind it, for rankings.
function bar(value) {
  const child = element("span", { class: "barred" }, percent(value));
  child.style.setProperty("--share", `${Math.min(1, value ?? 0) * 100}%`);
  return { child, value: value ?? "", kind: "bar-cell" };
}

const IN_SIGHT = 16;

// Puts a table that may be long into a box that scrolls, by the keyboard too. If it is surely too
// long, the box has a scroll bar from the start: otherwise the browser lays out the table twice.
const scrolling = (content) => element("div",
  { class: content.rows.length > IN_SIGHT ? "scrolling long" : "scrolling", tabindex: "0", role: "group", "aria-label": content.caption.textContent }, content);

// The same, but the rest of the rows is added once a reader scrolls or saves the table: very many
// rows take longer than everything else that a filter changes.
function growing(content, addRest) {
  const box = scrolling(content);
  const grow = () => {
    box.removeEventListener("scroll", grow);
    content.removeEventListener("whole", grow);
    content.removeAttribute("aria-rowcount");
    content.tBodies[0].append(...addRest());
  };
  box.addEventListener("scroll", grow);
  content.addEventListener("whole", grow);
  return box;
}

// A table with the button that saves it.
function saved(shown) {
  const found = shown.matches("table") ? shown : shown.querySelector("table");
  const name = found.caption.textContent;
  const button = element("button", { type: "button", class: "save", "aria-label": say("save.of", { name }) }, say("save"));
  button.addEventListener("click", () => {
    found.dispatchEvent(new Event("whole"));
    save(found, name);
  });
  return element("div", { class: "saved" }, shown, button);
}

function save(found, name) {
  const address = URL.createObjectURL(new Blob(["\ufeff", csv(found)], { type: "text/csv" }));
  element("a", { href: address, download: `${name}.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

// The table as CSV, figures unrounded. No name can become a formula in a spreadsheet.
function csv(found) {
  const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
  const written = (each) => {
    if (each.dataset.value !== undefined) return each.dataset.value;
    const text = each.textContent;
    return quoted(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);
  };
  return [...found.rows].map((row) => `${[...row.cells].map(written).join(",")}\r\n`).join("");
}

// Redraws a section only if the choice changed in one of `names`, the parts that it depends on.
function onlyWhere(names, show) {
  let shown = null;
  return (data, choice) => {
    const isNew = shown === null || names.some((name) => shown[name] !== choice[name]);
    shown = choice;
    if (isNew) show(data, choice);
  };
}

// Makes a section's frame; returns its parts and the functions that fill it.
function section(id, { isHalf = false, more: moreName = say("as_table"), note = null } = {}) {
  const title = say(`${id}.title`);
  const summary = element("p", { class: "summary", id: `${id}-summary` });
  const key = element("div", { class: "keys" });
  const picture = element("div", { class: "picture" });
  const more = element("div", { class: "more" });
  const details = element("details", {}, element("summary", {}, moreName), more);
  const frame = element("section", { id, class: isHalf ? "card half" : "card", "aria-labelledby": `${id}-title` },
    element("h2", { id: `${id}-title` }, title), summary, key, picture, details,
    note && element("p", { class: "quiet" }, note));
  document.getElementById("content").append(frame);
  let makeTable = null;
  const fill = () => makeTable && details.open && more.replaceChildren(saved(makeTable()));
  details.addEventListener("toggle", fill);
  return {
    picture,
    title,
    // To a screen reader a chart is an image that the words describe; a table needs none.
    show(words, tableMaker, { isChart = true, signs = null } = {}) {
      frame.classList.remove("empty");
      summary.textContent = words;
      if (isChart) {
        picture.setAttribute("role", "img");
        picture.setAttribute("aria-labelledby", `${id}-title ${id}-summary`);
      }
      if (signs) key.replaceChildren(signs);
      makeTable = tableMaker;
      details.hidden = !tableMaker;
      fill();
    },
    showNothing(words) {
      frame.classList.add("empty");
      summary.textContent = words;
      details.hidden = true;
      makeTable = null;
      waiting.delete(picture);
      if (!drawn.has(picture)) picture.replaceChildren();
    },
  };
}
