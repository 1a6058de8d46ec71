// Assembles the page: language, filters, the reader's choice, and the sections that show it.

const form = document.querySelector("form.filters");
const folded = form.querySelector("details");
const selects = { building: form.elements.building, size: form.elements.size, period: form.elements.period };
const languages = document.getElementById("language");
const isWide = window.matchMedia("(min-width: 34rem)");

const option = (value, name) => element("option", { value }, name);

function fillSelects(data, choices) {
  selects.building.replaceChildren(option("all", say("building.all")),
    ...data.buildings.building.map((_, place) => option(place, buildingName(data, place))));
  const used = [...new Set(data.rooms.band)].sort((one, other) => one - other);
  selects.size.replaceChildren(option("all", say("size.all")), ...used.map((band) => option(band, sizeName(data, band))));
  selects.period.replaceChildren(...choices.map((each, place) => option(place, each.name)));
}

// The choice, as numbers of buildings, sizes and months in the tables; null means everything.
function choiceOf(choices) {
  const numberOf = (select) => (select.value === "all" ? null : Number(select.value));
  const period = choices[Number(selects.period.value)];
  return { building: numberOf(selects.building), band: numberOf(selects.size), ...period };
}

// The address holds the choice, to bookmark or send. An empty name: no building, or unknown size.
function readAddress(data, choices) {
  const asked = new URLSearchParams(window.location.hash.slice(1));
  const set = (select, place) => { select.value = place >= 0 ? place : select.options[0].value; };
  set(selects.building, asked.has("building") ? data.buildings.building.findIndex((name) => (name ?? "") === asked.get("building")) : -1);
  set(selects.size, asked.has("size") ? data.bands.findIndex((band) => (band ?? "") === asked.get("size")) : -1);
  set(selects.period, choices.findIndex((each) => each.key === asked.get("period")));
  for (const select of Object.values(selects)) if (select.selectedIndex < 0) select.selectedIndex = 0;
}

function addressOf(data, choice) {
  const named = new URLSearchParams();
  if (choice.building !== null) named.set("building", data.buildings.building[choice.building] ?? "");
  if (choice.band !== null) named.set("size", data.bands[choice.band] ?? "");
  if (choice.key !== "all") named.set("period", choice.key);
  const hash = named.toString();
  return window.location.pathname + window.location.search + (hash && `#${hash}`);
}

function chosenWords(data, choice) {
  const words = [];
  if (choice.building !== null) words.push(buildingName(data, choice.building));
  if (choice.band !== null) words.push(sizeName(data, choice.band));
  if (choice.key !== "all") words.push(choice.name);
  return words.join(", ");
}

// Writes the head, the filters' names and the foot in the reader's language.
function translate(data) {
  const head = data.head;
  for (const each of document.querySelectorAll("[data-word]")) each.textContent = say(each.dataset.word);
  const region = { region: head.region[0] };
  document.title = say("title", region);
  document.getElementById("region-title").textContent = say("region", region);
  document.getElementById("made").textContent = say("made", { version: head.code_version[0] });
  document.getElementById("facts").replaceChildren(...data.facts.map(({ key, value, is_warning: isWarning }) =>
    element("div", { class: isWarning ? "warning" : null },
      element("dt", {}, say(key)), element("dd", {}, sayMessage(value)))));
  const days = Math.floor((Date.now() - new Date(head.built_at[0])) / DAY_MS);
  const old = days >= 2 ? [{ key: "missing.old", count: days }] : [];
  const items = (messages) => messages.map((message) => element("li", {}, sayMessage(message)));
  document.getElementById("missing").replaceChildren(...items([...old, ...data.missing]));
  const targets = document.getElementById("targets");
  targets.hidden = data.targets.length === 0;
  targets.querySelector("h2").textContent = say("targets.missed", { count: data.targets.length });
  targets.querySelector("ul").replaceChildren(...items(data.targets));
}

// Builds all sections in the current language; returns the functions that show a choice in them.
function build(data, choices, choose) {
  forgetCharts();
  document.getElementById("content").replaceChildren();
  fillSelects(data, choices);
  return [answers(), headlines(), utilizationOverTime(), week(), buildingsCompared(choose), ranking(),
    roomsAtOnce(), onlyWhere(["building"], whatIf()), rightSizing(), durations(), leadTimes(), cancellations(),
    onlyWhere(["building", "band"], forward()), onlyWhere(["building", "band"], busyAhead())];
}

function show(data, choice, parts) {
  parts.forEach((each) => each(data, choice));
  drawNear(); // after all text is written: otherwise each chart forces a new layout of the page
  const words = chosenWords(data, choice);
  document.getElementById("chosen-title").textContent = words && `– ${words}`;
  document.getElementById("chosen-filters").textContent = words || say("everything.chosen");
  document.getElementById("announcement").textContent = say("announcement",
    { chosen: words || say("everything.chosen"), share: document.getElementById("figure-booked_utilization").textContent });
}

function startFilters(data) {
  let choices;
  let parts;
  const update = ({ isAddressKept = false } = {}) => {
    const choice = choiceOf(choices);
    show(data, choice, parts);
    if (!isAddressKept) window.history.replaceState(null, "", addressOf(data, choice));
  };
  const choose = (building) => {
    folded.open = true;
    selects.building.value = building;
    selects.building.focus();
    update();
  };
  const draw = () => {
    translate(data);
    choices = data.months.month.length ? periods(data) : [{ key: "all", name: say("period.all"), first: 0, last: -1 }];
    parts = build(data, choices, choose);
    readAddress(data, choices);
    update({ isAddressKept: true });
  };
  form.hidden = false;
  form.addEventListener("change", () => update());
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => {
    for (const select of Object.values(selects)) select.selectedIndex = 0;
    update();
  }));
  window.addEventListener("hashchange", () => {
    readAddress(data, choices);
    update({ isAddressKept: true });
  });
  return draw;
}

// Folds the filters on narrow screens, which they would fill.
function foldFilters() {
  const fold = () => { folded.open = isWide.matches; };
  isWide.addEventListener("change", fold);
  fold();
}

function startLanguages(data, draw) {
  languages.append(...Object.entries(LANGUAGE_NAMES).map(([each, name]) => element("option", { value: each, lang: each }, name)));
  languages.value = language;
  languages.closest("label").hidden = false;
  languages.addEventListener("change", () => {
    speak(data, languages.value);
    const address = new URL(window.location);
    address.searchParams.set("lang", languages.value);
    window.history.replaceState(null, "", address);
    draw();
  });
}

async function start() {
  const [data] = await Promise.all([readData(), readLibrary()]);
  speak(data, preferredLanguage());
  const hasRooms = data.rooms.name.length > 0;
  const draw = hasRooms ? startFilters(data) : () => {
    translate(data);
    document.getElementById("content").replaceChildren(element("p", { class: "notice" }, say("no_rooms")));
  };
  foldFilters();
  startLanguages(data, draw);
  draw();
  document.documentElement.dataset.ready = "yes";
}

start().catch((error) => {
  document.getElementById("content").append(element("p", { class: "notice" },
    "This browser cannot draw the page: use one of the last three years."));
  throw error;
});
