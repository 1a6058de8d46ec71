// What is a table at heart: the week, the sizes, the rankings. Colour only repeats the number.

const heatOf = (value) => `heat heat-${Math.min(9, Math.floor(value * 10))}`;

function weekTable(sums) {
  const days = WEEKDAYS.map((_, day) => day)
    .filter((day) => day < 5 || [...sums.keys()].some((hour) => Math.floor(hour / 24) === day));
  const clock = [...new Set([...sums.keys()].map((hour) => hour % 24))].sort((a, b) => a - b);
  const rows = clock.map((hour) => [
    `${String(hour).padStart(2, "0")}:00`,
    ...days.map((day) => weekCell(sums.get(day * 24 + hour))),
  ]);
  return table("Booked utilization by local hour and day of the week",
    ["Hour", ...days.map((day) => WEEKDAYS[day])], rows);
}

function weekCell(sum) {
  if (!sum) return { text: "", value: "", kind: "heat closed" };
  const value = ratio(sum.booked_minutes, sum.open_minutes);
  return { text: percent(value), value, kind: heatOf(value) };
}

function heatLegend() {
  const steps = Array.from({ length: 10 }, (_, step) =>
    element("span", { class: `heat heat-${step}` }));
  return element("p", { class: "legend", "aria-hidden": "true" }, "0%", ...steps, "100% booked");
}

const FIT_WORDS = { small: "small group", large: "too many", fit: "", unknown: "" };

function fitTable(data, rows) {
  const headings = ["Room size", ...HEADCOUNTS.map((name) => name?.replace("-", "–") ?? "unknown"),
    "Bookings", "Seat fill"];
  const body = rows.map((row) => [
    sizeName(data, row.band),
    ...HEADCOUNTS.map((headcount, place) => fitCell(row, headcount, row.counts[place])),
    number(row.bookings),
    share(row.seatFill),
  ]);
  return table("Share of a size's bookings by invited headcount", headings, body);
}

function fitCell(row, headcount, bookings) {
  const part = bookings / row.bookings;
  const fit = fitOf(row.capacity, headcount);
  const child = element("span", { title: FIT_WORDS[fit] || null },
    bookings === 0 ? "·" : percent(part));
  return { child, value: bookings, kind: `fit fit-${fit} ${bookings ? heatOf(part) : "none"}` };
}

function rankingTable(data, caption, rooms) {
  const rows = rooms.map((each) => [
    data.rooms.name[each.room],
    buildingName(data, data.rooms.building[each.room]),
    data.rooms.capacity[each.room] === null ? { text: "–", kind: "number" }
      : number(data.rooms.capacity[each.room]),
    share(ratio(each.used_days, each.open_days)),
    bar(each.share),
  ]);
  return table(caption, ["Room", "Building", "Seats", "Days used", "Utilization"], rows);
}

function buildingTable(data, sums, chosen, choose) {
  const rows = [...sums].map(([building, sum]) => ({
    building, ...sum, share: ratio(sum.booked_minutes, sum.open_minutes),
  })).sort((one, other) => (other.share ?? -1) - (one.share ?? -1) || one.building - other.building);
  const body = rows.map((row) => {
    const button = element("button",
      { type: "button", class: "link", "aria-pressed": row.building === chosen },
      buildingName(data, row.building));
    button.addEventListener("click", () => choose(row.building));
    return [{ child: button }, number(row.bookings),
      { ...number(row.booked_minutes / 60), value: row.booked_minutes }, bar(row.share)];
  });
  return table("Utilization of all buildings", ["Building", "Bookings", "Booked h", "Utilization"], body);
}
