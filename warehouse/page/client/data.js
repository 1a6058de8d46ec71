// Reads the figures embedded in the page and sums them for the reader's choice. Never averages a
// ratio: numerators and denominators are summed separately and divided last; a ratio without a
// denominator is null.

const DAY_MS = 24 * 3600 * 1000;
const ALL = -1; // stands for the whole region, all sizes, or all closed months together
const WEEK = 7 * 24; // hours
const ALIKE_DAYS = 14; // a month with fewer days says little about the hours of the week

async function inflated(id) {
  const letters = atob(document.getElementById(id).textContent);
  const bytes = new Uint8Array(letters.length);
  for (let place = 0; place < letters.length; place++) bytes[place] = letters.charCodeAt(place);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream);
}

const readData = async () => placed(await (await inflated("data")).json());

// The chart library is embedded deflated too. It runs under the nonce of the page's own script.
async function readLibrary() {
  const script = element("script");
  script.nonce = document.querySelector("script[nonce]").nonce;
  script.textContent = await (await inflated("library")).text();
  document.head.append(script);
}

// Prepares the tables for summing: typed arrays, and the indexes that find the rows of a choice.
function placed(data) {
  const { time, slices, profile } = data;
  for (const table of [time, data.in_use]) typed(table);
  typed(data.hours, ["hours", "open_minutes", "booked_minutes"]);
  typed(profile, ["labels", "bookings"]);
  data.room_months = monthByMonth(data);
  data.isDaily = data.head.is_daily[0];
  const dates = data.isDaily ? slices.first_date : slices.monday;
  data.points = [...new Set(dates)]; // a week cut at a month's end is two slices, but one point
  slices.point = dates.map((date) => data.points.indexOf(date));
  data.cells = new Map();
  const headcount = Object.keys(data.measures).indexOf("headcount");
  data.fitRows = [];
  profile.measure.forEach((measure, row) => {
    data.cells.set(cellOf(data, measure, profile.building[row], profile.band[row], profile.month[row]), row);
    if (measure === headcount && profile.band[row] !== ALL) data.fitRows.push(row);
  });
  data.closedMonths = [...new Set([...profile.month, ...data.cancelled.month])].filter((month) => month !== ALL).sort((a, b) => a - b);
  return data;
}

// Moves a table's numbers into typed arrays, which the garbage collector need not walk through: with
// plain ones it may pause an answer. Columns of lists are flattened: a row's numbers are at
// `from[row]` up to, not including, `from[row + 1]`.
function typed(table, lists = []) {
  if (lists.length > 0) {
    let end = 0;
    table.from = [0, ...table[lists[0]].map((list) => (end += list.length))];
  }
  for (const name of Object.keys(table)) {
    table[name] = Float64Array.from(lists.includes(name) ? table[name].flat() : table[name]);
  }
}

// The time of rooms as columns with one number for every month and room, sorted by month, then room.
function monthByMonth({ rooms, months, room_months: { room, month, ...table } }) {
  return Object.fromEntries(Object.entries(table).map(([name, numbers]) => {
    const column = new Float64Array(months.month.length * rooms.name.length);
    for (let row = 0; row < numbers.length; row++) column[month[row] * rooms.name.length + room[row]] = numbers[row];
    return [name, column];
  }));
}

// The key of a cell of a profile: one number.
const cellOf = ({ buildings, bands, months }, measure, building, band, month) =>
  ((measure * (buildings.building.length + 1) + building + 1) * (bands.length + 1) + band + 1) * (months.month.length + 1) + month + 1;

const ratio = (part, whole) => (whole > 0 ? part / whole : null);
const zeros = (names) => Object.fromEntries(names.map((name) => [name, 0]));
const sumOf = (numbers) => numbers.reduce((sum, each) => sum + each, 0);

const KEPT = 16;
const CHOICE = ["building", "band", "key", "first", "last"];

// Caches results by the named parts of a choice: several sections ask for the same sums, and sums
// that depend on the place alone are the same in every period.
function kept(names, find) {
  const found = new Map();
  return (data, choice) => {
    const key = names.map((name) => choice[name]).join();
    if (!found.has(key)) {
      if (found.size === KEPT) found.clear();
      found.set(key, find(data, choice));
    }
    return found.get(key);
  };
}

const isChosenPlace = (choice, building, band) =>
  (choice.building === null || choice.building === building) &&
  (choice.band === null || choice.band === band);

const isChosenMonth = (choice, month) => month >= choice.first && month <= choice.last;

// Calls `use` with the number of every chosen row. A table without a column of months, or of sizes,
// is not filtered by them.
function eachChosen({ building, band, month }, choice, use) {
  for (let row = 0; row < building.length; row++) {
    if ((month === undefined || isChosenMonth(choice, month[row])) &&
        isChosenPlace(choice, building[row], band === undefined ? choice.band : band[row])) use(row);
  }
}

// Sums the named columns over the chosen rows, grouped by `keyOf(row)`.
function sumBy(table, choice, names, keyOf) {
  const sums = new Map();
  const columns = names.map((name) => table[name]);
  eachChosen(table, choice, (row) => { // many rows: sum into plain arrays, add the names last
    const key = keyOf(row);
    let sum = sums.get(key);
    if (sum === undefined) sums.set(key, (sum = columns.map(() => 0)));
    for (let at = 0; at < columns.length; at++) sum[at] += columns[at][row];
  });
  return new Map([...sums].map(([key, sum]) => [key, Object.fromEntries(names.map((name, at) => [name, sum[at]]))]));
}

const TIME = ["room_days", "room_days_loaded", "open_minutes", "booked_minutes", "held_minutes",
  "open_days", "used_days", "moved_days", "shared_days", "sold_out_days"];

// Time by building and slice, summed over the chosen sizes.
const timeOf = kept(["band"], ({ time, slices }, { band }) => {
  const places = new Map();
  const placeOf = time.slice.map((slice, row) => {
    if (band !== null && band !== time.band[row]) return -1;
    const key = time.building[row] * slices.month.length + slice;
    if (!places.has(key)) places.set(key, places.size);
    return places.get(key);
  });
  const keys = Int32Array.from(places.keys());
  const made = { building: keys.map((key) => Math.floor(key / slices.month.length)), slice: keys.map((key) => key % slices.month.length) };
  for (const name of TIME) {
    const [column, from] = [new Float64Array(keys.length), time[name]];
    for (let row = 0; row < from.length; row++) if (placeOf[row] >= 0) column[placeOf[row]] += from[row];
    made[name] = column;
  }
  return { ...made, month: made.slice.map((slice) => slices.month[slice]) };
});

function timeBy(data, choice, keyOf) {
  const time = timeOf(data, choice);
  return sumBy(time, choice, TIME, (row) => keyOf(time, row));
}

// In the sum of all buildings, a room that moved between two of them has not moved.
const asOfChoice = (choice, sum) => (choice.building === null ? { ...sum, moved_days: 0 } : sum);

const timeTotal = kept(CHOICE, (data, choice) => asOfChoice(choice, timeBy(data, choice, () => 0).get(0) ?? zeros(TIME)));

// Open and booked minutes by point of time, for every chosen building: building -> lists by point.
function timeLines(data, choice) {
  const { slices } = data;
  const time = timeOf(data, choice);
  const lines = new Map();
  eachChosen(time, choice, (row) => {
    let line = lines.get(time.building[row]);
    if (line === undefined) lines.set(time.building[row], (line = emptyLine(data)));
    const point = slices.point[time.slice[row]];
    line.open[point] += time.open_minutes[row];
    line.booked[point] += time.booked_minutes[row];
  });
  return lines;
}

const emptyLine = ({ points }) => ({ open: new Float64Array(points.length), booked: new Float64Array(points.length) });

// Adds up lines point by point.
function lineTotal(data, lines) {
  const total = emptyLine(data);
  for (const { open, booked } of lines.values()) {
    open.forEach((minutes, point) => { total.open[point] += minutes; });
    booked.forEach((minutes, point) => { total.booked[point] += minutes; });
  }
  return total;
}

const monthsIn = (choice) => choice.last - choice.first + 1;
const monthList = (choice) => Array.from({ length: monthsIn(choice) }, (_, place) => choice.first + place);

// Open and booked minutes for each hour of the week that is open.
function weekHours(data, choice) {
  const { open, booked } = hoursByMonth(data, choice);
  const sums = new Map();
  for (let hour = 0; hour < WEEK; hour++) {
    const sum = { open_minutes: 0, booked_minutes: 0 };
    for (let month = choice.first; month <= choice.last; month++) {
      sum.open_minutes += open[month * WEEK + hour];
      sum.booked_minutes += booked[month * WEEK + hour];
    }
    if (sum.open_minutes > 0) sums.set(hour, sum);
  }
  return sums;
}

// Open and booked minutes of the chosen place, by month and hour of the week.
const hoursByMonth = kept(["building", "band"], ({ hours: table, months }, choice) => {
  const [open, booked] = [new Float64Array(months.month.length * WEEK), new Float64Array(months.month.length * WEEK)];
  eachChosen(table, { ...choice, first: 0, last: Infinity }, (row) => {
    const first = table.month[row] * WEEK;
    for (let place = table.from[row]; place < table.from[row + 1]; place++) {
      open[first + table.hours[place]] += table.open_minutes[place];
      booked[first + table.hours[place]] += table.booked_minutes[place];
    }
  });
  return { open, booked };
});

// The months whose open rooms, or open hours of the week, differ from the month before.
function changedMonths(data, building) {
  const { changes, months } = data;
  const other = new Set(changes.month.filter((_, row) => changes.building[row] === building));
  const chosen = { building, band: null };
  const open = months.month.map((_, month) => [...weekHours(data, { ...chosen, first: month, last: month }).keys()].join());
  const isLong = (month) => (utc(months.last_date[month]) - utc(months.first_date[month])) / DAY_MS >= ALIKE_DAYS;
  return months.month.map((_, month) => month)
    .filter((month) => month > 0 && isLong(month) && isLong(month - 1))
    .map((month) => ({ month, rooms: other.has(month), hours: open[month] !== open[month - 1] }))
    .filter((change) => change.rooms || change.hours);
}

// Sums a column of the time of rooms over months: returns one number for each room.
function roomSums({ rooms, room_months: table }, name, months) {
  const [sums, column] = [new Float64Array(rooms.name.length), table[name]];
  for (const month of months) {
    for (let room = 0, place = month * sums.length; room < sums.length; room++, place++) sums[room] += column[place];
  }
  return sums;
}

const timeOfRooms = kept(["first", "last"], (data, choice) =>
  Object.fromEntries(Object.keys(data.room_months).map((name) => [name, roomSums(data, name, monthList(choice))])));

// The chosen rooms that were open, in those chosen months that have figures by room.
const openRooms = kept(CHOICE, (data, choice) => {
  const { open_minutes: open, booked_minutes: booked, open_days: openDays, used_days: usedDays } = timeOfRooms(data, choice);
  const found = [];
  eachChosen(data.rooms, choice, (room) => {
    if (open[room] > 0) {
      found.push({ room, booked_minutes: booked[room], used: ratio(usedDays[room], openDays[room]), share: booked[room] / open[room] });
    }
  });
  return found;
});

// The busiest and the quietest rooms, up to `most` of each, none in both lists. Sorting very many
// rooms would take longer than the rest of an answer: only rooms whose share qualifies are sorted.
function busiestAndQuietest(rooms, most) {
  const shares = Float64Array.from(rooms, (each) => each.share).sort();
  const half = Math.min(most, Math.ceil(rooms.length / 2));
  const rest = Math.min(most, rooms.length - half);
  const busiest = rooms.filter((each) => each.share >= shares.at(-half)).sort(busierFirst).slice(0, half);
  const quietest = rooms.filter((each) => rest > 0 && each.share <= shares[rest - 1]).sort(busierFirst).reverse().slice(0, rest);
  return { busiest, quietest };
}

const busierFirst = (one, other) => other.share - one.share ||
  other.booked_minutes - one.booked_minutes || one.room - other.room;

const SOLD = ["days", "shared_days", "sold_out_days", "sold_out_minutes"];

// Rooms in use at once by place: one size in a building of a site, with its own peak.
const inUsePlaces = kept(CHOICE, (data, choice) => {
  const { in_use: table } = data;
  const places = new Map();
  eachChosen(table, choice, (row) => {
    let place = places.get(table.place[row]);
    if (place === undefined) {
      place = { building: table.building[row], band: table.band[row], rooms_open: 0, peak: 0, peaks: 0, free: Infinity, ...zeros(SOLD) };
      places.set(table.place[row], place);
    }
    place.rooms_open = Math.max(place.rooms_open, table.rooms_open[row]);
    place.peak = Math.max(place.peak, table.peak_rooms_in_use[row]);
    place.peaks += table.peaks_summed[row];
    place.free = Math.min(place.free, table.min_free_rooms[row]);
    for (const name of SOLD) place[name] += table[name][row];
  });
  return [...places.values()];
});

// Adds up the peaks of places, and the fewest rooms that each had free: a free room in another
// building is no help.
function inUseByBand(data, choice) {
  const names = ["rooms_open", "peak", "usual_peak", "free", ...SOLD];
  const bands = new Map();
  for (const place of inUsePlaces(data, choice)) {
    const band = bands.get(place.band) ?? { band: place.band, ...zeros(names) };
    bands.set(place.band, band);
    const more = { ...place, usual_peak: place.peaks / place.days };
    for (const name of names) band[name] += more[name];
  }
  return [...bands.values()].sort((one, other) => one.band - other.band);
}

// The periods that can be chosen: each has a key for the address, and its months.
function periods(data) {
  const all = data.months.month.length;
  const found = [{ key: "all", name: say("period.all"), first: 0, last: all - 1 }];
  for (const length of [12, 6, 3]) {
    if (all > length) {
      found.push({ key: `last-${length}`, name: say("period.last", { count: length }), first: all - length, last: all - 1 });
    }
  }
  for (let month = all - 1; all > 1 && month >= 0; month--) {
    const key = data.months.month[month];
    found.push({ key, name: monthName(key), first: month, last: month });
  }
  return found;
}
