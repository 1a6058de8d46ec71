// Adds up the sums that the page carries, for what is chosen. Never averages a ratio: numerators
// and denominators are added apart and divided last; without a denominator the ratio is null.

const ratio = (part, whole) => (whole > 0 ? part / whole : null);

const isChosenPlace = (choice, building, band) =>
  (choice.building === null || choice.building === building) &&
  (choice.band === null || choice.band === band);

const isChosenMonth = (choice, month) => month >= choice.first && month <= choice.last;

// Calls back with the place of every row of a table that is chosen; tables without months are
// chosen whole.
function eachChosen(table, choice, use, months = table.month) {
  for (let row = 0; row < table.building.length; row++) {
    if (isChosenPlace(choice, table.building[row], table.band[row]) &&
        (months === undefined || isChosenMonth(choice, months[row]))) use(row);
  }
}

const zeros = (names) => Object.fromEntries(names.map((name) => [name, 0]));

// Sums the named columns over the chosen rows, by the key that the row has.
function sumBy(table, choice, names, keyOf, months = table.month) {
  const sums = new Map();
  eachChosen(table, choice, (row) => {
    const key = keyOf(row);
    let sum = sums.get(key);
    if (sum === undefined) sums.set(key, (sum = zeros(names)));
    for (const name of names) sum[name] += table[name][row];
  }, months);
  return sums;
}

const TIME = ["room_days", "room_days_loaded", "open_minutes", "booked_minutes", "held_minutes",
  "bookings"];

const timeBy = (data, choice, keyOf, names = TIME) => sumBy(data.time, choice, names, keyOf);

const timeTotal = (data, choice) => timeBy(data, choice, () => 0).get(0) ?? zeros(TIME);

// Open and booked minutes by point of time, for every chosen building: building -> point -> sum.
function timeLines(data, choice) {
  const { time, slices } = data;
  const lines = new Map();
  eachChosen(time, choice, (row) => {
    let line = lines.get(time.building[row]);
    if (line === undefined) lines.set(time.building[row], (line = new Map()));
    const point = slices.point[time.slice[row]];
    let sum = line.get(point);
    if (sum === undefined) line.set(point, (sum = { open_minutes: 0, booked_minutes: 0 }));
    sum.open_minutes += time.open_minutes[row];
    sum.booked_minutes += time.booked_minutes[row];
  });
  return lines;
}

// Adds up lines point by point.
function lineTotal(lines) {
  const total = new Map();
  for (const line of lines.values()) {
    for (const [point, { open_minutes, booked_minutes }] of line) {
      const sum = total.get(point) ?? { open_minutes: 0, booked_minutes: 0 };
      sum.open_minutes += open_minutes;
      sum.booked_minutes += booked_minutes;
      total.set(point, sum);
    }
  }
  return total;
}

// Bookings by the months of their weeks: what the tables without small groups are a part of.
const bookingsByWeeks = (data, choice) =>
  sumBy(data.time, choice, ["bookings"], () => 0, data.time.week_month).get(0)?.bookings ?? 0;

function kindTotals(data, choice) {
  const names = ["bookings", "recurring_bookings", "external_bookings", "external_known_bookings"];
  return sumBy(data.kinds, choice, names, () => 0).get(0) ?? zeros(names);
}

// Bookings by label, in the order of the labels.
function byLabel(table, choice, labels) {
  const sums = sumBy(table, choice, ["bookings"], (row) => table.label[row]);
  return labels.map((label) => sums.get(label)?.bookings ?? 0);
}

// Open and booked minutes for each hour of the week that is open.
function weekHours(data, choice) {
  const { hours } = data;
  const open = new Array(168).fill(0);
  const booked = new Array(168).fill(0);
  eachChosen(hours, choice, (row) => {
    const [found, openThen, bookedThen] = [hours.hours[row], hours.open_minutes[row], hours.booked_minutes[row]];
    for (let place = 0; place < found.length; place++) {
      open[found[place]] += openThen[place];
      booked[found[place]] += bookedThen[place];
    }
  });
  return new Map(open.flatMap((minutes, hour) =>
    (minutes > 0 ? [[hour, { open_minutes: minutes, booked_minutes: booked[hour] }]] : [])));
}

const ROOM = ["open_minutes", "booked_minutes", "open_days", "used_days"];

const ranked = new WeakMap(); // by choice: two sections ask for the same ranking

// The chosen rooms that were open, busiest first; in the months that have rooms one by one.
function rankedRooms(data, choice) {
  if (!ranked.has(choice)) {
    const { room_months: table } = data;
    const sums = sumBy(table, choice, ROOM, (row) => table.room[row]);
    ranked.set(choice, [...sums]
      .filter(([, sum]) => sum.open_minutes > 0)
      .map(([room, sum]) => ({ room, ...sum, share: ratio(sum.booked_minutes, sum.open_minutes) }))
      .sort((one, other) => other.share - one.share ||
        other.booked_minutes - one.booked_minutes || one.room - other.room));
  }
  return ranked.get(choice);
}

function roomsInDirectory(data, choice) {
  let count = 0;
  eachChosen({ building: data.rooms.building, band: data.rooms.band }, choice, () => { count += 1; });
  return count;
}

// Rooms at once by place: a site's building and size, each with its own peak.
function inUsePlaces(data, choice) {
  const { in_use: table } = data;
  const places = new Map();
  eachChosen(table, choice, (row) => {
    let place = places.get(table.place[row]);
    if (place === undefined) {
      place = { building: table.building[row], band: table.band[row], rooms_open: 0, peak: 0, peaks: 0,
        days: 0, shared_days: 0, sold_out_days: 0, sold_out_minutes: 0 };
      places.set(table.place[row], place);
    }
    place.rooms_open = Math.max(place.rooms_open, table.rooms_open[row]);
    place.peak = Math.max(place.peak, table.peak_rooms_in_use[row]);
    place.peaks += table.peaks_summed[row];
    for (const name of DAYS) place[name] += table[name][row];
  });
  return [...places.values()];
}

const DAYS = ["days", "shared_days", "sold_out_days", "sold_out_minutes"];

// Places are added, since a room of another building does not help.
function inUseByBand(data, choice) {
  const names = ["rooms_open", "peak", "usual_peak", ...DAYS];
  const bands = new Map();
  for (const place of inUsePlaces(data, choice)) {
    const band = bands.get(place.band) ?? { band: place.band, ...zeros(names) };
    bands.set(place.band, band);
    const more = { ...place, usual_peak: place.peaks / place.days };
    for (const name of names) band[name] += more[name];
  }
  return [...bands.values()].sort((one, other) => one.band - other.band);
}

// The matrix of sizes: bookings by capacity band and headcount band, and how full the seats were.
function sizeFit(data, choice) {
  const { size_fit: table, seats: seatTable } = data;
  const filled = sumBy(seatTable, choice, ["seat_minutes_used", "seat_minutes_offered"],
    (row) => seatTable.band[row]);
  const sums = sumBy(table, choice, ["bookings"],
    (row) => `${table.band[row]}|${HEADCOUNTS.indexOf(table.label[row])}`);
  return data.bands.map((capacity, band) => {
    const cells = HEADCOUNTS.map((_, place) => sums.get(`${band}|${place}`));
    const counts = cells.map((cell) => cell?.bookings ?? 0);
    const seated = filled.get(band);
    return { band, capacity, counts, bookings: counts.reduce((sum, each) => sum + each, 0),
      seatFill: ratio(seated?.seat_minutes_used ?? 0, seated?.seat_minutes_offered ?? 0) };
  }).filter((row) => row.bookings > 0);
}

// Whether a headcount band is surely under 0.6 of every capacity of a band ("small"), surely over
// it ("large"), or neither for sure.
const LIMITS = { "1": [1, 1], "2-4": [2, 4], "5-8": [5, 8], "9-14": [9, 14], "15-30": [15, 30],
  "31+": [31, Infinity] };
function fitOf(capacity, headcount) {
  if (capacity === null || headcount === null) return "unknown";
  const [least, most] = LIMITS[capacity];
  const [fewest, largest] = headcount.endsWith("+") ? [parseInt(headcount, 10), Infinity]
    : [Number(headcount.split("-")[0]), Number(headcount.split("-").at(-1))];
  if (largest < 0.6 * least) return "small";
  return fewest > most ? "large" : "fit";
}

// Bookings of the matrix by fit, and those of known size and headcount together.
function fitSums(rows) {
  const sums = zeros(["small", "large", "fit", "unknown"]);
  for (const row of rows) {
    row.counts.forEach((bookings, place) => { sums[fitOf(row.capacity, HEADCOUNTS[place])] += bookings; });
  }
  return { ...sums, known: sums.small + sums.large + sums.fit };
}
