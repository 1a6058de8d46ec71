// Reads the figures that the page carries and adds them up for what is chosen. Never averages a
// ratio: numerators and denominators are added apart and divided last; without a denominator the
// ratio is null.

const DAY_MS = 24 * 3600 * 1000;
const ALL = -1; // of a profile: the whole region, all sizes, all closed months together
const WEEK = 7 * 24; // hours
const ALIKE_DAYS = 14; // of a month: with fewer, its hours of the week say little

async function inflated(id) {
  const letters = atob(document.getElementById(id).textContent);
  const bytes = new Uint8Array(letters.length);
  for (let place = 0; place < letters.length; place++) bytes[place] = letters.charCodeAt(place);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream);
}

const readData = async () => placed(await (await inflated("data")).json());

// The library of charts is carried deflated too; it runs under the nonce of the page's own script.
async function readLibrary() {
  const script = element("script");
  script.nonce = document.querySelector("script[nonce]").nonce;
  script.textContent = await (await inflated("library")).text();
  document.head.append(script);
}

// Adds to each table the columns that it is chosen by.
function placed(data) {
  const { time, slices, profile } = data;
  for (const table of [time, data.in_use]) typed(table);
  typed(data.hours, ["hours", "open_minutes", "booked_minutes"]);
  typed(profile, ["labels", "bookings"]);
  data.room_months = monthByMonth(data);
  data.isDaily = data.head.is_daily[0];
  const dates = data.isDaily ? slices.first_date : slices.monday;
  data.points = [...new Set(dates)]; // parts of a week are one point
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

// Keeps a table's numbers, and those of columns of lists, in typed arrays: else all of them are
// walked through when garbage is collected, which may be in the middle of an answer. The numbers
// of a row's lists stand from `from[row]` up to `from[row + 1]`.
function typed(table, lists = []) {
  if (lists.length > 0) {
    let end = 0;
    table.from = [0, ...table[lists[0]].map((list) => (end += list.length))];
  }
  for (const name of Object.keys(table)) {
    table[name] = Float64Array.from(lists.includes(name) ? table[name].flat() : table[name]);
  }
}

// The time of rooms, month by month, in each month a number for every room.
function monthByMonth({ rooms, months, room_months: { room, month, ...table } }) {
  return Object.fromEntries(Object.entries(table).map(([name, numbers]) => {
    const column = new Float64Array(months.month.length * rooms.name.length);
    for (let row = 0; row < numbers.length; row++) column[month[row] * rooms.name.length + room[row]] = numbers[row];
    return [name, column];
  }));
}

// The number of a cell of a profile.
const cellOf = ({ buildings, bands, months }, measure, building, band, month) =>
  ((measure * (buildings.building.length + 1) + building + 1) * (bands.length + 1) + band + 1) * (months.month.length + 1) + month + 1;

const ratio = (part, whole) => (whole > 0 ? part / whole : null);
const zeros = (names) => Object.fromEntries(names.map((name) => [name, 0]));
const sumOf = (numbers) => numbers.reduce((sum, each) => sum + each, 0);

const KEPT = 16;
const CHOICE = ["building", "band", "key", "first", "last"];

// Keeps what was found for the named parts of a choice: several sections ask for the same, and what
// depends on the place alone is the same in every period.
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

// Calls back with the place of every row of a table that is chosen; tables without months, or
// without sizes, are chosen whole.
function eachChosen({ building, band, month }, choice, use) {
  for (let row = 0; row < building.length; row++) {
    if ((month === undefined || isChosenMonth(choice, month[row])) &&
        isChosenPlace(choice, building[row], band === undefined ? choice.band : band[row])) use(row);
  }
}

// Sums the named columns over the chosen rows, by the key that the row has.
function sumBy(table, choice, names, keyOf) {
  const sums = new Map();
  const columns = names.map((name) => table[name]);
  eachChosen(table, choice, (row) => { // many rows: plain lists, named when they are summed
    const key = keyOf(row);
    let sum = sums.get(key);
    if (sum === undefined) sums.set(key, (sum = columns.map(() => 0)));
    for (let at = 0; at < columns.length; at++) sum[at] += columns[at][row];
  });
  return new Map([...sums].map(([key, sum]) => [key, Object.fromEntries(names.map((name, at) => [name, sum[at]]))]));
}

const TIME = ["room_days", "room_days_loaded", "open_minutes", "booked_minutes", "held_minutes",
  "open_days", "used_days", "moved_days", "shared_days", "sold_out_days"];

// Time of the chosen sizes together, by building and slice.
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

// A room that moved is one of all buildings still.
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

// The months in which other rooms, or other hours of the week, were open than in the month before.
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

// A column of the time of rooms, summed over months: a number for each room.
function roomSums({ rooms, room_months: table }, name, months) {
  const [sums, column] = [new Float64Array(rooms.name.length), table[name]];
  for (const month of months) {
    for (let room = 0, place = month * sums.length; room < sums.length; room++, place++) sums[room] += column[place];
  }
  return sums;
}

const timeOfRooms = kept(["first", "last"], (data, choice) =>
  Object.fromEntries(Object.keys(data.room_months).map((name) => [name, roomSums(data, name, monthList(choice))])));

// The chosen rooms that were open, in the months that have rooms one by one.
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

// The busiest of rooms and the quietest, as many as `most` of each, none of them twice. To sort all
// of many rooms would take longer than all else: only those that can be among them are.
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

// Rooms at once by place: a site's building and size, each with its own peak.
const inUsePlaces = kept(CHOICE, (data, choice) => {
  const { in_use: table } = data;
  const places = new Map();
  eachChosen(table, choice, (row) => {
    let place = places.get(table.place[row]);
    if (place === undefined) {
      place = { building: table.building[row], band: table.band[row], rooms_open: 0, peak: 0, peaks: 0, ...zeros(SOLD) };
      places.set(table.place[row], place);
    }
    place.rooms_open = Math.max(place.rooms_open, table.rooms_open[row]);
    place.peak = Math.max(place.peak, table.peak_rooms_in_use[row]);
    place.peaks += table.peaks_summed[row];
    for (const name of SOLD) place[name] += table[name][row];
  });
  return [...places.values()];
});

// Places are added, since a room of another building does not help.
function inUseByBand(data, choice) {
  const names = ["rooms_open", "peak", "usual_peak", ...SOLD];
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
