// Puts the page together: filters, what is chosen, and the sections that show it.

const DAY_MS = 24 * 3600 * 1000;
const form = document.querySelector("form.filters");
const selects = { building: form.elements.building, size: form.elements.size, period: form.elements.period };

function fillSelects(data, choices) {
  const option = (value, name) => element("option", { value }, name);
  selects.building.append(option("all", "All buildings"),
    ...data.buildings.building.map((_, place) => option(place, buildingName(data, place))));
  const used = [...new Set(data.rooms.band)].sort((one, other) => one - other);
  selects.size.append(option("all", "All sizes"), ...used.map((band) => option(band, sizeName(data, band))));
  selects.period.append(...choices.map((each, place) => option(place, each.name)));
}

// What is chosen, as numbers of the tables; null is everything.
function choiceOf(choices) {
  const numberOf = (select) => (select.value === "all" ? null : Number(select.value));
  const period = choices[Number(selects.period.value)];
  return { building: numberOf(selects.building), band: numberOf(selects.size), ...period };
}

// The address names the choice, so that a view can be kept and sent. An empty name is what has none.
function readAddress(data, choices) {
  const asked = new URLSearchParams(window.location.hash.slice(1));
  const set = (select, place) => { select.value = place >= 0 ? place : select.options[0].value; };
  set(selects.building, asked.has("building") ? data.buildings.building.findIndex((name) => (name ?? "") === asked.get("building")) : -1);
  set(selects.size, asked.has("size") ? data.bands.findIndex((band) => (band ?? "") === asked.get("size")) : -1);
  set(selects.period, choices.findIndex((each) => each.key === asked.get("period")));
  for (const select of Object.values(selects)) if (select.selectedIndex < 0) select.selectedIndex = 0;
}

function writeAddress(data, choice) {
  const named = new URLSearchParams();
  if (choice.building !== null) named.set("building", data.buildings.building[choice.building] ?? "");
  if (choice.band !== null) named.set("size", data.bands[choice.band] ?? "");
  if (choice.key !== "all") named.set("period", choice.key);
  const hash = named.toString();
  window.history.replaceState(null, "", hash ? `#${hash}` : window.location.pathname);
}

function chosenWords(data, choice) {
  const words = [];
  if (choice.building !== null) words.push(buildingName(data, choice.building));
  if (choice.band !== null) words.push(sizeName(data, choice.band));
  if (choice.key !== "all") words.push(choice.name);
  return words.join(", ");
}

function warnIfOld(builtAt) {
  const days = Math.floor((Date.now() - new Date(builtAt)) / DAY_MS);
  if (days >= 2) {
    document.querySelector(".missing").prepend(element("li", {},
      `This page was built ${days} days ago: a newer one may exist, or the nightly run may have stopped.`));
  }
}

async function start() {
  const data = await readData();
  const choices = data.months.month.length ? periods(data) : [{ key: "all", name: "All days", first: 0, last: -1 }];
  warnIfOld(data.head.built_at[0]);
  if (data.rooms.name.length === 0) {
    document.getElementById("content").append(element("p", { class: "notice" }, "There is no room to show."));
    document.documentElement.dataset.ready = "yes";
    return;
  }
  fillSelects(data, choices);
  readAddress(data, choices);
  form.hidden = false;
  const choose = (building) => {
    selects.building.value = building;
    selects.building.focus();
    update();
  };
  const parts = [answers(), headlines(), utilizationOverTime(), week(), buildingsCompared(choose), ranking(),
    roomsAtOnce(), rightSizing(), durations(), leadTimes(), forward()];
  const update = ({ isAddressKept = false } = {}) => {
    const choice = choiceOf(choices);
    parts.forEach((show) => show(data, choice));
    const words = chosenWords(data, choice);
    document.getElementById("chosen-title").textContent = words && `– ${words}`;
    document.getElementById("announcement").textContent =
      `Showing ${words || "everything"}: ${document.getElementById("figure-booked_utilization").textContent} of open time booked.`;
    if (!isAddressKept) writeAddress(data, choice);
  };
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
  update({ isAddressKept: true });
  document.documentElement.dataset.ready = "yes";
}

start().catch((error) => {
  document.getElementById("content").append(element("p", { class: "notice" },
    "This browser cannot draw the page: use one of the last three years."));
  throw error;
});
