// The sections about time: utilization, buildings, the week, rooms, rooms at once.

const RANKED = 10;
const LISTED = 500;
const LITTLE_USED = 0.1; // of a room's open time
const LITTLE_OPEN = 0.2; // of the most open day: a single room open on a Saturday says little

function utilizationOverTime() {
  const part = section("time", "Utilization over time");
  return (data, choice) => {
    const found = timeLines(data, choice);
    const total = lineTotal(found);
    const open = [...total.keys()].filter((point) => total.get(point).open_minutes > 0).sort();
    if (open.length === 0) return part.showNothing("No room was open in this period.");
    const most = Math.max(...open.map((point) => total.get(point).open_minutes));
    const points = open.filter((point) => total.get(point).open_minutes >= LITTLE_OPEN * most);
    const buildings = buildingShares(found);
    const shown = buildings.length <= MANY_BUILDINGS ? buildings
      : [...buildings.slice(0, 3), ...buildings.slice(-3)];
    const sharesOf = (line) => points.map((point) =>
      ratio(line.get(point)?.booked_minutes ?? 0, line.get(point)?.open_minutes ?? 0));
    const lines = shown.map(({ building }) =>
      ({ name: buildingName(data, building), shares: sharesOf(found.get(building)) }));
    if (data.buildings.building.length > 1) {
      const everywhere = choice.building === null ? total
        : lineTotal(timeLines(data, { ...choice, building: null }));
      lines.push({ name: "All buildings", shares: sharesOf(everywhere), isTotal: true });
    }
    drawLines(part.picture, points, lines);
    const words = timeWords(data, buildings, shown, open.length - points.length);
    return part.show(words, () => timeTable(data, choice, data.months), { signs: lineKey(lines) });
  };
}

// The buildings that were open, most booked first.
function buildingShares(lines) {
  return [...lines].map(([building, line]) => {
    let [open, booked] = [0, 0];
    for (const sum of line.values()) [open, booked] = [open + sum.open_minutes, booked + sum.booked_minutes];
    return { building, share: ratio(booked, open) };
  }).filter(({ share: found }) => found !== null).sort((one, other) => other.share - one.share);
}

function timeWords(data, buildings, shown, hidden) {
  const { step } = data.slices;
  const point = `a point is a ${step}${hidden ? `; ${plural(hidden, step)} with next to no room open not drawn` : ""}.`;
  if (buildings.length === 1) {
    return `${buildingName(data, buildings[0].building)}: ${percent(buildings[0].share)} of open time was booked over the period; ${point}`;
  }
  const most = buildings[0];
  const least = buildings.at(-1);
  const cut = shown.length < buildings.length
    ? ` Of ${buildings.length} buildings the chart shows the three busiest and the three quietest; the table has all.` : "";
  return `Most booked is ${buildingName(data, most.building)} with ${percent(most.share)} of its open time, least ${buildingName(data, least.building)} with ${percent(least.share)}; ${point}${cut}`;
}

function timeTable(data, choice, months) {
  const { time, slices } = data;
  const sums = timeBy(data, choice, (row) => `${time.building[row]}|${slices.month[time.slice[row]]}`);
  const shown = months.month.map((_, month) => month).filter((month) => isChosenMonth(choice, month));
  const buildings = [...new Set([...sums.keys()].map((key) => Number(key.split("|")[0])))];
  const rows = buildings.map((building) => [buildingName(data, building), ...shown.map((month) => {
    const sum = sums.get(`${building}|${month}`);
    return share(sum ? ratio(sum.booked_minutes, sum.open_minutes) : null);
  })]);
  return scrolling("Booked utilization by building and month",
    table("Booked utilization by building and month",
      ["Building", ...shown.map((month) => monthName(months.month[month], "short"))], rows));
}

// All buildings, whichever is chosen: one alone would compare with nothing.
function buildingsCompared(choose) {
  const part = section("buildings", "Buildings", { isHalf: true });
  return (data, choice) => {
    const sums = timeBy(data, { ...choice, building: null }, (row) => data.time.building[row]);
    if (sums.size === 0) {
      part.picture.replaceChildren();
      return part.showNothing("No building has a figure in this period.");
    }
    part.picture.replaceChildren(
      scrolling("Buildings", buildingTable(data, sums, choice.building, choose)));
    const words = sums.size === 1 ? "All rooms are in one place."
      : `${plural(sums.size, "building")}, most booked first; choose one to see only its rooms.`;
    return part.show(words, null, { isChart: false });
  };
}

function week() {
  const part = section("week", "The week", { isHalf: true });
  return (data, choice) => {
    const sums = weekHours(data, choice);
    if (sums.size === 0) {
      part.picture.replaceChildren();
      return part.showNothing("No room was open in this period.");
    }
    const ranked = [...sums].map(([hour, sum]) => ({ hour, share: ratio(sum.booked_minutes, sum.open_minutes) }))
      .sort((one, other) => other.share - one.share);
    const named = ({ hour }) => `${WEEKDAYS[Math.floor(hour / 24)]} ${String(hour % 24).padStart(2, "0")}:00`;
    part.picture.replaceChildren(weekTable(sums), heatLegend());
    return part.show(`Fullest is ${named(ranked[0])} with ${percent(ranked[0].share)} booked, emptiest ${named(ranked.at(-1))} with ${percent(ranked.at(-1).share)}; local time of each room.`, null, { isChart: false });
  };
}

function ranking() {
  const part = section("rooms", "Rooms, busiest and quietest", { more: "All rooms" });
  return (data, choice) => {
    const rooms = rankedRooms(data, choice);
    if (rooms.length === 0) {
      part.picture.replaceChildren();
      return part.showNothing("No room was open in this period.");
    }
    const half = Math.min(RANKED, Math.ceil(rooms.length / 2));
    const quietest = rooms.slice(half).slice(-half).reverse();
    part.picture.replaceChildren(element("div", { class: "columns" },
      rankingTable(data, "Busiest", rooms.slice(0, half)),
      quietest.length ? rankingTable(data, "Quietest", quietest) : null));
    const dormant = rooms.filter((room) => room.booked_minutes === 0).length;
    const quiet = rooms.filter((room) => room.share < LITTLE_USED).length;
    return part.show(`Of ${plural(rooms.length, "room")} open${roomsSince(data, choice)}, ${count(dormant)} without a booked minute and ${count(quiet)} booked for less than a tenth of open time.`,
      () => everyRoom(data, rooms), { isChart: false });
  };
}

function everyRoom(data, rooms) {
  const caption = rooms.length > LISTED
    ? `The busiest ${LISTED} of ${count(rooms.length)} rooms; choose a building or size to see the others`
    : `All ${count(rooms.length)} rooms, busiest first`;
  return scrolling(caption, rankingTable(data, caption, rooms.slice(0, LISTED)));
}

function roomsAtOnce() {
  const part = section("in-use", "Rooms needed at once", {
    note: "Peaks of buildings are added, since a free room elsewhere does not help; a building's peaks may fall on different days. Days sold out are added over buildings.",
  });
  return (data, choice) => {
    const bands = inUseByBand(data, choice);
    if (bands.length === 0) return part.showNothing("No room was open in this period.");
    drawPeaks(part.picture, data, bands);
    const words = `${atPeak(data, bands)} ${soldOut(data, bands)}`;
    return part.show(words, () => peaksTable(data, bands), { signs: chartKey(PEAKS) });
  };
}

function atPeak(data, bands) {
  const spare = bands.map((band) => ({ ...band, free: band.rooms_open - band.peak }))
    .sort((one, other) => other.free - one.free)[0];
  return spare.free > 0
    ? `Even at the highest peak ${count(spare.free)} of ${plural(spare.rooms_open, "room")} with ${sizeName(data, spare.band).toLowerCase()} stood free.`
    : "At the highest peak every size had all its rooms in use.";
}

function soldOut(data, bands) {
  const short = bands.filter((band) => band.sold_out_days > 0)
    .sort((one, other) => other.sold_out_days / other.shared_days - one.sold_out_days / one.shared_days)[0];
  return short ? `Most often without a free room: ${sizeName(data, short.band).toLowerCase()}, ${percent(short.sold_out_days / short.shared_days)} of days.` : "";
}

function peaksTable(data, bands) {
  return table("Rooms open and in use at once, by size",
    ["Room size", "Rooms open", "Highest peak", "Average day's peak", "Days sold out", "Time sold out"],
    bands.map((band) => [sizeName(data, band.band), number(band.rooms_open), number(band.peak),
      number(band.usual_peak, decimal(band.usual_peak)),
      ...(band.shared_days === 0 ? ["–", "–"] // known only where a building has two such rooms
        : [number(band.sold_out_days), number(band.sold_out_minutes, hours(band.sold_out_minutes))])]));
}
