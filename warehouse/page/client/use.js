// The sections about time: utilization, the week, buildings, rooms, rooms at once, weeks ahead.

const RANKED = 10;
const LISTED = 500;
const LISTED_AT_ONCE = 60;
const LITTLE_OPEN = 0.2; // of the point with most open time: a single room open on a Saturday says little

function utilizationOverTime() {
  const part = section("time");
  return (data, choice) => {
    const found = timeLines(data, choice);
    const total = lineTotal(data, found);
    const most = Math.max(0, ...total.open);
    if (most === 0) return part.showNothing(say("nothing_open"));
    const open = data.points.map((_, point) => point).filter((point) => total.open[point] > 0);
    const drawnPoints = open.filter((point) => total.open[point] >= LITTLE_OPEN * most);
    const dates = drawnPoints.map((point) => data.points[point]);
    const buildings = buildingShares(found);
    const shown = buildings.length <= MANY_BUILDINGS ? buildings
      : [...buildings.slice(0, 3), ...buildings.slice(-3)];
    const sharesOf = (line) => drawnPoints.map((point) => ratio(line.booked[point], line.open[point]));
    const lines = shown.map(({ building }) =>
      ({ name: buildingName(data, building), shares: sharesOf(found.get(building)) }));
    if (data.buildings.building.length > 1) {
      const everywhere = choice.building === null ? total
        : lineTotal(data, timeLines(data, { ...choice, building: null }));
      lines.push({ name: say("building.all"), shares: sharesOf(everywhere), isTotal: true });
    }
    const changes = buildings.length === 1 ? changesShown(data, choice, buildings[0].building) : [];
    drawLines(part.picture, dates, lines, changeMarks(data, changes, dates));
    const words = [...timeWords(data, buildings, shown, open.length - drawnPoints.length), ...changes.map((each) => changeWords(data, each))];
    return part.show(words.join(" "), () => timeTable(data, choice, data.months), { signs: lineKey(lines) });
  };
}

const changesShown = (data, choice, building) =>
  changedMonths(data, building).filter(({ month }) => isChosenMonth(choice, month));

// A change is marked at the first drawn point of its month.
const changeMarks = (data, changes, dates) => changes.map(({ month }) =>
  dates.findIndex((date) => date >= data.months.first_date[month])).filter((place) => place >= 0);

const changeWords = (data, { month, rooms, hours: areHours }) =>
  say(`time.changed_${rooms && areHours ? "both" : rooms ? "rooms" : "hours"}`, { in_month: data.months.month[month] });

// The buildings that were open, most booked first.
function buildingShares(lines) {
  return [...lines].map(([building, { open, booked }]) => ({ building, share: ratio(sumOf(booked), sumOf(open)) })).filter(({ share: found }) => found !== null).sort((one, other) => other.share - one.share);
}

function timeWords(data, buildings, shown, hidden) {
  const of = ({ building, share: found }) => ({ name: buildingName(data, building), share: percent(found) });
  const step = data.isDaily ? "day" : "week";
  const words = buildings.length === 1 ? say("time.one", of(buildings[0]))
    : say("time.several", { most: of(buildings[0]).name, most_share: of(buildings[0]).share,
      least: of(buildings.at(-1)).name, least_share: of(buildings.at(-1)).share });
  return [words, say(`time.${step}`), hidden ? say(`time.hidden_${step}`, { count: hidden }) : "",
    shown.length < buildings.length ? say("time.cut", { count: buildings.length }) : ""].filter(Boolean);
}

function timeTable(data, choice, months) {
  const sums = timeBy(data, choice, (time, row) => `${time.building[row]}|${time.month[row]}`);
  const shown = months.month.map((_, month) => month).filter((month) => isChosenMonth(choice, month));
  const buildings = [...new Set([...sums.keys()].map((key) => Number(key.split("|")[0])))];
  const rows = buildings.map((building) => [buildingName(data, building), ...shown.map((month) => {
    const sum = sums.get(`${building}|${month}`);
    return share(sum ? ratio(sum.booked_minutes, sum.open_minutes) : null);
  })]);
  return scrolling(table(say("time.table"),
    [say("building"), ...shown.map((month) => monthName(months.month[month], "shortMonth"))], rows));
}

function week() {
  const part = section("week", { isHalf: true });
  return (data, choice) => {
    const sums = weekHours(data, choice);
    if (sums.size === 0) return part.showNothing(say("nothing_open"));
    const hour = (each) => `${weekdayName(Math.floor(each / 24))} ${clock(each % 24)}`;
    const all = fullestFirst(sums);
    const earlier = monthsAlike(data, choice);
    const before = earlier ? fullestFirst(weekHours(data, earlier))[0] : undefined;
    part.picture.replaceChildren(saved(weekTable(sums)), heatLegend());
    const words = [say("week.words", { most: hour(all[0].hour), most_share: percent(all[0].share),
      least: hour(all.at(-1).hour), least_share: percent(all.at(-1).share) }),
    choice.key === "all" ? "" : say("week.whole"),
    before ? say("week.before", { count: monthsIn(choice), most: hour(before.hour), most_share: percent(before.share) }) : ""];
    return part.show(words.filter(Boolean).join(" "), null, { isChart: false });
  };
}

const fullestFirst = (sums) => [...sums]
  .map(([hour, sum]) => ({ hour, share: ratio(sum.booked_minutes, sum.open_minutes) }))
  .sort((one, other) => other.share - one.share);

const heatOf = (value) => `heat heat-${Math.min(9, Math.floor(value * 10))}`;

function weekTable(sums) {
  const days = [0, 1, 2, 3, 4, 5, 6]
    .filter((day) => day < 5 || [...sums.keys()].some((hour) => Math.floor(hour / 24) === day));
  const hoursOpen = [...new Set([...sums.keys()].map((hour) => hour % 24))].sort((a, b) => a - b);
  const weekCell = (sum) => {
    if (!sum) return { text: "", value: "", kind: "heat closed" };
    const value = ratio(sum.booked_minutes, sum.open_minutes);
    return { text: percent(value), value, kind: heatOf(value) };
  };
  return table(say("week.table"), [say("hour"), ...days.map(weekdayName)],
    hoursOpen.map((hour) => [clock(hour), ...days.map((day) => weekCell(sums.get(day * 24 + hour)))]));
}

function heatLegend() {
  const steps = Array.from({ length: 10 }, (_, step) => element("span", { class: `heat heat-${step}` }));
  return element("p", { class: "legend", "aria-hidden": "true" }, percent(0), ...steps, say("week.booked", { share: percent(1) }));
}

// Shows all buildings, even if one is chosen: alone it would be compared with nothing.
function buildingsCompared(choose) {
  const part = section("buildings", { isHalf: true });
  const shown = onlyWhere(["key", "band"], (data, choice) => {
    const sums = timeBy(data, { ...choice, building: null }, (time, row) => time.building[row]);
    if (sums.size === 0) return part.showNothing(say("nothing_open"));
    part.picture.replaceChildren(saved(scrolling(buildingTable(data, choice, sums, choose))));
    return part.show(sums.size === 1 ? say("buildings.one") : say("buildings.words", { count: sums.size }), null, { isChart: false });
  });
  return (data, choice) => {
    shown(data, choice);
    for (const button of part.picture.querySelectorAll(".link")) button.setAttribute("aria-pressed", Number(button.value) === choice.building);
  };
}

function buildingTable(data, choice, sums, choose) {
  const rows = [...sums].map(([building, sum]) => ({
    building, ...sum, share: ratio(sum.booked_minutes, sum.open_minutes),
  })).sort((one, other) => (other.share ?? -1) - (one.share ?? -1) || one.building - other.building);
  const comparison = compared(data, choice);
  const body = rows.map((row) => {
    const button = element("button", { type: "button", class: "link", value: row.building }, buildingName(data, row.building));
    button.addEventListener("click", () => choose(row.building));
    const both = comparison.of(row.building);
    const [now, before] = both ? [both.now, both.before].map((sum) => ratio(sum.booked_minutes, sum.open_minutes)) : [null, null];
    return [{ child: button }, { ...number(row.booked_minutes / 60), value: row.booked_minutes }, bar(row.share), shareBefore(before, now)];
  });
  return table(say("buildings.table"), [say("building"), say("booked_hours"), say("utilization"), say("before")], body);
}

function ranking() {
  const part = section("rooms", { more: say("rooms.all") });
  return (data, choice) => {
    const rooms = openRooms(data, choice);
    if (rooms.length === 0) return part.showNothing(say("nothing_open"));
    const { busiest, quietest } = busiestAndQuietest(rooms, RANKED);
    part.picture.replaceChildren(element("div", { class: "columns" },
      saved(rankingTable(data, choice, say("rooms.busiest"), busiest)),
      quietest.length ? saved(rankingTable(data, choice, say("rooms.quietest"), quietest)) : null));
    const words = say("rooms.words", { count: rooms.length,
      unused: rooms.filter((room) => room.booked_minutes === 0).length,
      little: rooms.filter((room) => room.share < LITTLE_USED).length, little_share: percent(LITTLE_USED) });
    return part.show(`${words} ${roomsSince(data, choice)}`, () => everyRoom(data, choice, rooms), { isChart: false });
  };
}

function everyRoom(data, choice, rooms) {
  const caption = rooms.length > LISTED ? say("rooms.cut", { listed: LISTED, count: rooms.length })
    : say("rooms.list", { count: rooms.length });
  const listed = [...rooms].sort(busierFirst).slice(0, LISTED);
  const shown = rankingTable(data, choice, caption, listed.slice(0, LISTED_AT_ONCE));
  if (listed.length <= LISTED_AT_ONCE) return scrolling(shown);
  shown.setAttribute("aria-rowcount", listed.length + 1); // with the heading
  return growing(shown, () => rankingTable(data, choice, caption, listed.slice(LISTED_AT_ONCE)).tBodies[0].rows);
}

function rankingTable(data, choice, caption, rooms) {
  const earlier = monthsBefore(data, choice);
  const before = earlier !== null && earlier.first >= data.head.first_room_month[0] ? timeOfRooms(data, earlier) : null;
  const shareThen = (room) => before && ratio(before.booked_minutes[room], before.open_minutes[room]);
  const rows = rooms.map((each) => [
    data.rooms.name[each.room],
    buildingName(data, data.rooms.building[each.room]),
    data.rooms.capacity[each.room] === null ? { text: "–", kind: "number" } : number(data.rooms.capacity[each.room]),
    share(each.used),
    bar(each.share),
    ...(earlier ? [shareBefore(shareThen(each.room), each.share)] : []),
  ]);
  return table(caption, [say("room"), say("building"), say("seats"), say("days_used"), say("utilization"),
    ...(earlier ? [say("months_before", { count: monthsIn(choice) })] : [])], rows);
}

function roomsAtOnce() {
  const part = section("in-use", { note: say("in-use.note") });
  return (data, choice) => {
    const bands = inUseByBand(data, choice);
    if (bands.length === 0) return part.showNothing(say("nothing_open"));
    const signs = drawPeaks(part.picture, data, bands);
    const words = [atPeak(data, bands), soldOut(data, bands)].join(" ");
    return part.show(words, () => peaksTable(data, choice, bands), { signs: chartKey(signs) });
  };
}

function atPeak(data, bands) {
  const spare = [...bands].sort((one, other) => other.free - one.free)[0];
  return spare.free > 0
    ? say("in-use.free", { free: spare.free, count: spare.rooms_open, size: inSentence(sizeName(data, spare.band)) })
    : say("in-use.none_free");
}

function soldOut(data, bands) {
  const short = bands.filter((band) => band.sold_out_days > 0)
    .sort((one, other) => other.sold_out_days / other.shared_days - one.sold_out_days / one.shared_days)[0];
  return short ? say("in-use.short", { size: inSentence(sizeName(data, short.band)), share: percent(short.sold_out_days / short.shared_days) }) : "";
}

function peaksTable(data, choice, bands) {
  const earlier = monthsAlike(data, choice);
  const before = new Map((earlier ? inUseByBand(data, earlier) : []).map((band) => [band.band, band]));
  return table(say("in-use.table"),
    [say("size"), say("in-use.open"), say("in-use.peak"), say("in-use.usual"), say("in-use.days"), say("in-use.time"),
      ...(earlier ? [say("in-use.days_before", { count: monthsIn(choice) })] : [])],
    bands.map((band) => [sizeName(data, band.band), number(band.rooms_open), number(band.peak),
      number(band.usual_peak, decimal(band.usual_peak)),
      ...(band.shared_days === 0 ? ["–", "–"] // known only if a building has two such rooms
        : [number(band.sold_out_days), number(band.sold_out_minutes, hours(band.sold_out_minutes))]),
      ...(earlier ? [before.get(band.band)?.shared_days ? number(before.get(band.band).sold_out_days) : "–"] : [])]));
}

function forward() {
  const part = section("ahead", { isHalf: true });
  return (data, choice) => {
    const { ahead } = data;
    const sums = sumBy(ahead, choice, ["open_minutes", "booked_minutes"], (row) => ahead.monday[row]);
    const weeks = [...sums].map(([monday, sum]) => ({ monday, ...sum, share: ratio(sum.booked_minutes, sum.open_minutes) }))
      .sort((one, other) => (one.monday < other.monday ? -1 : 1));
    const open = weeks.filter((each) => each.share !== null);
    if (open.length === 0) return part.showNothing(say("ahead.nothing"));
    drawAhead(part.picture, open);
    return part.show(say("ahead.words", { time: hours(sumOf(weeks.map((each) => each.booked_minutes))),
      first_share: percent(open[0].share), first_date: open[0].monday,
      last_share: percent(open.at(-1).share), last_date: open.at(-1).monday }),
    () => scrolling(table(say("ahead.table"), [say("week_of"), say("booked_hours"), say("utilization")],
      weeks.map((each) => [dayName(each.monday), { ...number(each.booked_minutes / 60), value: each.booked_minutes }, share(each.share)]))));
  };
}

// Shows one building: the ranges of several cannot be added up.
function busyAhead() {
  const part = section("busy");
  return (data, choice) => {
    const { busy } = data;
    const open = sumBy(busy, choice, ["open_minutes"], (row) => busy.building[row]);
    if (open.size === 0) return part.showNothing(say("busy.nothing"));
    const building = [...open].sort(([, one], [, other]) => other.open_minutes - one.open_minutes)[0][0];
    const days = busy.day.flatMap((_, row) => (busy.building[row] === building
      ? [Object.fromEntries(Object.entries(busy).map(([name, column]) => [name, column[row]]))] : []));
    const signs = drawBusy(part.picture, days);
    const words = [busyWords(data, building, days), open.size > 1 ? say("busy.choose") : "", say("busy.scope")];
    return part.show(words.filter(Boolean).join(" "), () => busyTable(data, building, days), { signs: chartKey(signs) });
  };
}

function busyWords(data, building, days) {
  const name = buildingName(data, building);
  const forecast = days.filter((day) => day.median !== null);
  const shareOf = (day, minutes) => percent(ratio(minutes, day.open_minutes));
  if (forecast.length === 0) return say("busy.short", { name, count: Math.max(...days.map((day) => day.days)) });
  const [fullest] = [...forecast].sort((one, other) => other.median / other.open_minutes - one.median / one.open_minutes);
  const distance = Math.round((utc(fullest.day) - utc(data.head.data_through[0])) / DAY_MS);
  return [say("busy.words", { name, day_date: fullest.day, booked: shareOf(fullest, fullest.booked_minutes),
    low: shareOf(fullest, fullest.low), high: shareOf(fullest, fullest.high), median: shareOf(fullest, fullest.median) }),
  say("busy.check", { count: fullest.days, distance: { key: "busy.distance", count: distance }, within: percent(fullest.share_within),
    error: tenthsOfHours(fullest.median_error), naive: tenthsOfHours(fullest.naive_error) })].join(" ");
}

const tenthsOfHours = (minutes) => `${decimal(minutes / 60)} h`;

function busyTable(data, building, days) {
  const known = (value, made) => (value === null ? { text: "–", value: "", kind: "number" } : made(value));
  const timeOf = (value) => known(value, (minutes) => ({ ...number(minutes / 60, tenthsOfHours(minutes)), value: minutes }));
  return scrolling(table(say("busy.table", { name: buildingName(data, building) }),
    [say("busy.day"), say("booked_hours"), say("busy.low"), say("busy.median"), say("busy.high"), say("busy.days"),
      say("busy.within"), say("busy.median_error"), say("busy.naive_error")],
    days.map((day) => [dayName(day.day), ...[day.booked_minutes, day.low, day.median, day.high].map(timeOf),
      number(day.days), known(day.share_within, share), timeOf(day.median_error), timeOf(day.naive_error)])));
}
