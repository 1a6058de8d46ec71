// The sections of the page. Each has a heading, a summary in a sentence, a picture, and the same
// figures as a table; each says so when there is nothing to show.

const RANKED = 10;
const LISTED = 500;
const LITTLE_OPEN = 0.2; // of the most open day: a single room open on a Saturday says little
const ENOUGH_SHOWN = 0.8; // of all bookings: below, small groups left out would bend a share

// Makes a section's frame; returns how to fill it.
function section(id, title, { isHalf = false, note = null } = {}) {
  const summary = element("p", { class: "summary", id: `${id}-summary` });
  const picture = element("div", { class: "picture" });
  const details = element("details", {}, element("summary", {}, "The figures as a table"));
  const more = element("div", { class: "more" });
  details.append(more);
  const frame = element("section", { id, class: isHalf ? "card half" : "card", "aria-labelledby": `${id}-title` },
    element("h2", { id: `${id}-title` }, title), summary, picture, details,
    note && element("p", { class: "quiet" }, note));
  document.getElementById("content").append(frame);
  let makeTable = null;
  const fill = () => makeTable && details.open && more.replaceChildren(makeTable());
  details.addEventListener("toggle", fill);
  return {
    picture,
    // A chart needs words beside it; a table of its own needs none.
    show(words, tableMaker, { isChart = true } = {}) {
      frame.classList.remove("empty");
      summary.textContent = words;
      if (isChart) {
        picture.setAttribute("role", "img");
        picture.setAttribute("aria-labelledby", `${id}-title ${id}-summary`);
      }
      makeTable = tableMaker;
      details.hidden = !tableMaker;
      fill();
    },
    showNothing(words) {
      frame.classList.add("empty");
      summary.textContent = words;
      details.hidden = true;
      makeTable = null;
    },
  };
}

function headlines() {
  const list = element("ul", { class: "headlines" });
  document.getElementById("content").append(
    element("section", { "aria-label": "Headline figures" }, list));
  const tile = (id, label, text, value, note) => element("li", {},
    element("span", { class: "label" }, label),
    element("strong", { id: `figure-${id}`, "data-value": value ?? "" }, text),
    element("span", { class: "note" }, note));
  return (data, choice) => {
    const time = timeTotal(data, choice);
    const booked = ratio(time.booked_minutes, time.open_minutes);
    const rooms = rankedRooms(data, choice);
    const used = rooms.reduce((sum, room) => sum + room.used_days, 0);
    const open = rooms.reduce((sum, room) => sum + room.open_days, 0);
    const dormant = rooms.filter((room) => room.booked_minutes === 0).length;
    const kinds = kindTotals(data, choice);
    const isEnough = kinds.bookings > 0 && kinds.bookings >= ENOUGH_SHOWN * bookingsByWeeks(data, choice);
    const external = ratio(kinds.external_bookings, kinds.external_known_bookings);
    const recurring = isEnough ? ratio(kinds.recurring_bookings, kinds.bookings) : null;
    list.replaceChildren(
      tile("booked_utilization", "Booked utilization", percent(booked), booked,
        booked === null ? "no open time" : `${hours(time.booked_minutes)} of ${hours(time.open_minutes)} open${compared(data, choice, booked)}`),
      tile("bookings", "Bookings", count(time.bookings), time.bookings,
        `and ${hours(time.held_minutes)} held tentatively`),
      tile("rooms", "Rooms", count(roomsInDirectory(data, choice)), roomsInDirectory(data, choice),
        `${count(rooms.length)} open in this period.${roomsSince(data, choice)}`),
      tile("dormant_rooms", "Never booked", count(dormant), dormant,
        dormant === 1 ? "room without a booked minute" : "rooms without a booked minute"),
      tile("used_day_share", "Days used", percent(ratio(used, open)), ratio(used, open),
        "of a room's open days have a booking"),
      tile("recurring_share", "Recurring", percent(recurring), recurring,
        isEnough ? `of ${count(kinds.bookings)} bookings that may be shown`
          : "too many bookings are in groups too small to show"),
      tile("external_share", "With guests", percent(isEnough ? external : null), isEnough ? external : null,
        isEnough ? `of ${count(kinds.external_known_bookings)} bookings where it is known`
          : "too many bookings are in groups too small to show"),
      tile("room_days_loaded", "Readings", percent(ratio(time.room_days_loaded, time.room_days)),
        ratio(time.room_days_loaded, time.room_days), "of open room-days were ever read"),
    );
  };
}

// How utilization differs from the period of the same length before, if there is one.
function compared(data, choice, booked) {
  const length = choice.last - choice.first + 1;
  if (choice.first < length) return "";
  const before = timeTotal(data, { ...choice, first: choice.first - length, last: choice.first - 1 });
  const earlier = ratio(before.booked_minutes, before.open_minutes);
  if (earlier === null) return "";
  const points = Math.round(booked * 100) - Math.round(earlier * 100);
  const name = length === 1 ? "the month" : `the ${length} months`;
  const change = points === 0 ? "as in" : `${points > 0 ? "+" : "−"}${Math.abs(points)} points on`;
  return `; ${change} ${name} before`;
}

function utilizationOverTime() {
  const part = section("time", "Utilization over time");
  return (data, choice) => {
    const { slices, time, months } = data;
    const pointOf = slices.first_date.map((date, slice) => (isDaily(slices) ? date : slices.monday[slice]));
    const sums = timeBy(data, choice, (row) => pointOf[time.slice[row]]);
    const open = [...sums.keys()].filter((point) => sums.get(point).open_minutes > 0).sort();
    if (open.length === 0) return part.showNothing("No room was open in this period.");
    const most = Math.max(...open.map((point) => sums.get(point).open_minutes));
    const points = open.filter((point) => sums.get(point).open_minutes >= LITTLE_OPEN * most);
    const buildings = [...timeBy(data, choice, (row) => time.building[row])]
      .filter(([, sum]) => sum.open_minutes > 0)
      .map(([building, sum]) => ({ building, share: ratio(sum.booked_minutes, sum.open_minutes) }))
      .sort((one, other) => other.share - one.share);
    const shown = buildings.length <= MANY_BUILDINGS ? buildings
      : [...buildings.slice(0, 3), ...buildings.slice(-3)];
    const sharesOf = (found) => points.map((point) =>
      ratio(found.get(point)?.booked_minutes ?? 0, found.get(point)?.open_minutes ?? 0));
    const lines = shown.map(({ building }) => ({
      name: buildingName(data, building),
      shares: sharesOf(timeBy(data, { ...choice, building }, (row) => pointOf[time.slice[row]])),
    }));
    const everywhere = choice.building === null ? sums
      : timeBy(data, { ...choice, building: null }, (row) => pointOf[time.slice[row]]);
    if (data.buildings.building.length > 1) {
      lines.push({ name: "All buildings", shares: sharesOf(everywhere), isTotal: true });
    }
    drawLines(part.picture, points.map(dayName), lines);
    const words = timeWords(data, buildings, shown, open.length - points.length);
    return part.show(words, () => timeTable(data, choice, months));
  };
}

const isDaily = (slices) => new Set(slices.monday).size < slices.first_date.length / 2;

function timeWords(data, buildings, shown, hidden) {
  const step = isDaily(data.slices) ? "day" : "week";
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

function buildingsCompared(choose) {
  const part = section("buildings", "Buildings", { isHalf: true });
  return (data, choice) => {
    const sums = timeBy(data, choice, (row) => data.time.building[row]);
    if (sums.size === 0) {
      part.picture.replaceChildren();
      return part.showNothing("No building has a figure in this period.");
    }
    part.picture.replaceChildren(scrolling("Buildings", buildingTable(data, sums, choose)));
    return part.show(`${plural(sums.size, "building")}; choose one to see only its rooms.`, null, { isChart: false });
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
  const part = section("rooms", "Rooms, busiest and quietest");
  return (data, choice) => {
    const rooms = rankedRooms(data, choice);
    if (rooms.length === 0) {
      part.picture.replaceChildren();
      return part.showNothing("No room was open in this period.");
    }
    const half = Math.min(RANKED, Math.ceil(rooms.length / 2));
    part.picture.replaceChildren(element("div", { class: "columns" },
      rankingTable(data, "Busiest", rooms.slice(0, half)),
      rankingTable(data, "Quietest", rooms.slice(half - rooms.length || rooms.length).slice(-half).reverse())));
    const dormant = rooms.filter((room) => room.booked_minutes === 0).length;
    const quiet = rooms.filter((room) => room.share < 0.1).length;
    return part.show(`Of ${plural(rooms.length, "room")} that were open, ${count(dormant)} had no booked minute and ${count(quiet)} were booked for less than a tenth of their open time.${roomsSince(data, choice)}`,
      () => everyRoom(data, rooms), { isChart: false });
  };
}

// Where there are very many rooms, the page has them one by one in the latest months only.
function roomsSince(data, choice) {
  const first = data.head.first_room_month[0];
  return choice.first < first ? ` Single rooms count from ${monthName(data.months.month[first])} on.` : "";
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
    const spare = bands.map((band) => ({ ...band, free: band.rooms_open - band.peak }))
      .sort((one, other) => other.free - one.free)[0];
    const words = spare.free > 0
      ? `Even at the highest peak ${count(spare.free)} of ${plural(spare.rooms_open, "room")} with ${sizeName(data, spare.band).toLowerCase()} stood free.`
      : "At the highest peak every size had all its rooms in use.";
    return part.show(words, () => peaksTable(data, bands));
  };
}

function peaksTable(data, bands) {
  return table("Rooms open and in use at once, by size",
    ["Room size", "Rooms open", "Highest peak", "Average day's peak", "Days sold out", "Time sold out"],
    bands.map((band) => [sizeName(data, band.band), number(band.rooms_open), number(band.peak),
      number(band.usual_peak, decimal(band.usual_peak)),
      ...(band.shared_days === 0 ? ["–", "–"] // known only where a building has two such rooms
        : [number(band.sold_out_days), number(band.sold_out_minutes, hours(band.sold_out_minutes))])]));
}

function rightSizing() {
  const part = section("size-fit", "Room size against people invited", {
    note: "Dashed: surely under 60% of the seats of even the smallest room of the size. Double line: surely more people than its largest room seats. Invited people, not people who came.",
  });
  return (data, choice) => {
    const rows = sizeFit(data, choice);
    if (rows.length === 0) {
      part.picture.replaceChildren();
      return part.showNothing("No group of bookings alike is large enough to be shown for this choice.");
    }
    part.picture.replaceChildren(scrolling("Room size against people invited", fitTable(data, rows)));
    const sums = zeros(["small", "large", "fit", "unknown"]);
    for (const row of rows) {
      row.counts.forEach((bookings, place) => { sums[fitOf(row.capacity, HEADCOUNTS[place])] += bookings; });
    }
    const known = sums.small + sums.large + sums.fit;
    const words = known === 0 ? "No headcount is known." :
      `Of ${count(known)} bookings with known headcount and size, at least ${percent(sums.small / known)} are groups under 60% of the seats and at least ${percent(sums.large / known)} have more people than seats. ${heldBack(data, choice, known + sums.unknown)}`;
    return part.show(words, null, { isChart: false });
  };
}

// What part of all bookings a table without small groups holds.
function heldBack(data, choice, shown) {
  const all = bookingsByWeeks(data, choice);
  return all > shown ? `Small groups left out: ${count(all - shown)} of ${count(all)} bookings.` : "";
}

function distribution(id, title, tableName, labels, nameOf, wordsOf) {
  const part = section(id, title, { isHalf: true });
  return (data, choice) => {
    const counts = byLabel(data[tableName], choice, labels);
    const all = counts.reduce((sum, each) => sum + each, 0);
    if (all === 0) return part.showNothing("No group of bookings alike is large enough to be shown for this choice.");
    drawShares(part.picture, labels.map(nameOf), counts.map((each) => each / all));
    return part.show(wordsOf(data, choice, counts, all), () =>
      table(title, ["", "Bookings", "Share"], labels.map((label, place) =>
        [nameOf(label), number(counts[place]), share(counts[place] / all)])));
  };
}

const durations = () => distribution("durations", "How long bookings are", "durations", DURATIONS,
  (label) => (label === "all-day" ? "all day" : label === "241+" ? "over 240" : label.replace("-", "–")),
  (data, choice, counts, all) => `${percent((counts[0] + counts[1]) / all)} last half an hour or less, ${percent((counts[0] + counts[1] + counts[2]) / all)} an hour or less; in minutes. ${heldBack(data, choice, all)}`);

const LEAD_NAMES = { "0-15m": "≤ 15 min", "15m-2h": "≤ 2 h", "2h-1d": "≤ 1 day", "1d-7d": "≤ 7 days",
  "7d-30d": "≤ 30 days", "30d+": "more" };
const leadTimes = () => distribution("lead-times", "How early single bookings are made", "lead_times",
  LEAD_TIMES, (label) => LEAD_NAMES[label],
  (data, choice, counts, all) => `${percent(counts[0] / all)} of ${count(all)} single bookings are made ad hoc, ${percent((counts[3] + counts[4] + counts[5]) / all)} more than a day ahead. Series have no lead time; small groups are left out.`);

function forward() {
  const part = section("ahead", "Booked ahead");
  return (data, choice) => {
    const { ahead } = data;
    const sums = sumBy(ahead, choice, ["open_minutes", "booked_minutes", "bookings"], (row) => ahead.monday[row]);
    const weeks = [...sums].map(([monday, sum]) => ({ monday, ...sum, share: ratio(sum.booked_minutes, sum.open_minutes) }))
      .sort((one, other) => (one.monday < other.monday ? -1 : 1));
    const bookings = weeks.reduce((sum, each) => sum + each.bookings, 0);
    if (weeks.length === 0) return part.showNothing("No day ahead has been read for this choice.");
    drawAhead(part.picture, weeks);
    return part.show(`${plural(bookings, "booking")} ahead; of open time ${percent(weeks[0].share)} is booked in the week of ${dayName(weeks[0].monday)} and ${percent(weeks.at(-1).share)} in the week of ${dayName(weeks.at(-1).monday)}. The period above does not apply here.`,
      () => scrolling("Booked ahead by week", table("Booked ahead by week", ["Week of", "Bookings", "Booked", "Utilization"],
        weeks.map((each) => [dayName(each.monday), number(each.bookings),
          number(each.booked_minutes, hours(each.booked_minutes)), share(each.share)]))));
  };
}
