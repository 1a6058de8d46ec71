// Reads the figures that the page carries and adds them up for what is chosen. Never averages a
// ratio: numerators and denominators are added apart and divided last; without a denominator the
// ratio is null.

const DAY_MS = 24 * 3600 * 1000;
const ALL = -1; // of a profile: the whole region, all sizes, all closed months together
const READ_ALIKE = 0.95; // of room-days: below, two periods are not compared (R24)
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
  const { time, slices, rooms, room_months: byRoom, profile } = data;
  for (const table of [time, byRoom, data.in_use]) typed(table);
  typed(data.hours, ["hours", "open_minutes", "booked_minutes"]);
  typed(profile, ["labels", "bookings"]);
  time.month = time.slice.map((slice) => slices.month[slice]);
  rooms.row = new Int32Array(rooms.name.length + 1); // where each room's months begin: they stand room by room
  for (const room of byRoom.room) rooms.row[room + 1] += 1;
  for (let room = 0; room < rooms.name.length; room++) rooms.row[room + 1] += rooms.row[room];
  data.isDaily = data.head.is_daily[0];
  slices.point = data.isDaily ? slices.first_date : slices.monday; // parts of a week are one point
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

// The number of a cell of a profile.
const cellOf = ({ buildings, bands, months }, measure, building, band, month) =>
  ((measure * (buildings.building.length + 1) + building + 1) * (bands.length + 1) + band + 1) * (months.month.length + 1) + month + 1;

const ratio = (part, whole) => (whole > 0 ? part / whole : null);
const zeros = (names) => Object.fromEntries(names.map((name) => [name, 0]));
const sumOf = (numbers) => numbers.reduce((sum, each) => sum + each, 0);

const isChosenPlace = (choice, building, band) =>
  (choice.building === null || choice.building === building) &&
  (choice.band === null || choice.band === band);

const isChosenMonth = (choice, month) => month >= choice.first && month <= choice.last;

// Calls back with the place of every row of a table that is chosen; tables without months are
// chosen whole.
function eachChosen({ building, band, month }, choice, use) {
  for (let row = 0; row < building.length; row++) {
    if ((month === undefined || isChosenMonth(choice, month[row])) &&
        isChosenPlace(choice, building[row], band[row])) use(row);
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

function add(sums, key, names, table, row) {
  let sum = sums.get(key);
  if (sum === undefined) sums.set(key, (sum = zeros(names)));
  for (const name of names) sum[name] += table[name][row];
}

const TIME = ["room_days", "room_days_loaded", "open_minutes", "booked_minutes", "held_minutes",
  "open_days", "used_days", "shared_days", "sold_out_days"];

const timeBy = (data, choice, keyOf) => sumBy(data.time, choice, TIME, keyOf);
const timeTotal = (data, choice) => timeBy(data, choice, () => 0).get(0) ?? zeros(TIME);

// Open and booked minutes by point of time, for every chosen building: building -> point -> sum.
function timeLines(data, choice) {
  const { time, slices } = data;
  const lines = new Map();
  eachChosen(time, choice, (row) => {
    let line = lines.get(time.building[row]);
    if (line === undefined) lines.set(time.building[row], (line = new Map()));
    add(line, slices.point[time.slice[row]], ["open_minutes", "booked_minutes"], time, row);
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

// The period before (R24): the whole weeks of what is chosen, and as many just before them.
function weeksOf(data, choice) {
  const monday = (date) => new Date(date.getTime() + ((8 - date.getUTCDay()) % 7) * DAY_MS);
  const dayOf = (date) => date.toISOString().slice(0, 10);
  const { months, head } = data;
  if (months.month.length === 0) return { weeks: 0, now: [], before: null };
  const firstDay = [`${months.month[choice.first]}-01`, head.first_date[0]].sort()[1];
  const [year, month] = months.month[choice.last].split("-").map(Number);
  const lastDay = [dayOf(new Date(Date.UTC(year, month, 0))), head.data_through[0]].sort()[0];
  const first = monday(utc(firstDay));
  const weeks = Math.max(0, Math.floor((utc(lastDay) - first + DAY_MS) / (7 * DAY_MS)));
  const from = (start) => Array.from({ length: weeks }, (_, week) => dayOf(new Date(start.getTime() + 7 * week * DAY_MS)));
  const before = new Date(first.getTime() - 7 * weeks * DAY_MS);
  const isHeld = weeks > 0 && dayOf(before) >= dayOf(monday(utc(head.first_date[0])));
  return { weeks, now: from(first), before: isHeld ? from(before) : null };
}

const [NOW, BEFORE] = [1, 2];
const comparisons = new WeakMap(); // by choice: several sections ask

// Sums of the chosen whole weeks and of those before, for all and by building. `why` says what is
// missing where they cannot be compared.
function compared(data, choice) {
  if (!comparisons.has(choice)) comparisons.set(choice, comparison(data, choice));
  return comparisons.get(choice);
}

function comparison(data, choice) {
  const { weeks, now, before } = weeksOf(data, choice);
  if (weeks === 0) return { weeks, why: "before.no_week", of: () => null };
  if (before === null) return { weeks, why: choice.key === "all" ? "before.choose" : "before.none", of: () => null };
  const { time, slices } = data;
  const [nowWeeks, beforeWeeks] = [new Set(now), new Set(before)];
  const kinds = slices.monday.map((monday) => (nowWeeks.has(monday) ? NOW : beforeWeeks.has(monday) ? BEFORE : 0));
  const kindOf = time.slice.map((slice) => kinds[slice]);
  const [sums, earlier] = [NOW, BEFORE].map((kind) => withTotal(choice, sumBy({ ...time, month: kindOf },
    { building: null, band: choice.band, first: kind, last: kind }, TIME, (row) => time.building[row])));
  const days = sharedDays(data, choice, monthsOf(data, nowWeeks), monthsOf(data, beforeWeeks));
  const why = (building) => whyNot(sums.get(building), earlier.get(building), days.get(building));
  const of = (building = ALL) => (why(building) === null ? { now: sums.get(building), before: earlier.get(building) } : null);
  return { weeks, first: before[0], last: before.at(-1), why: why(ALL), of };
}

// Adds the sum of what is chosen to those by building.
function withTotal(choice, sums) {
  const chosen = [...sums].filter(([building]) => choice.building === null || choice.building === building);
  const total = Object.fromEntries(TIME.map((name) => [name, sumOf(chosen.map(([, sum]) => sum[name]))]));
  return chosen.length > 0 ? sums.set(ALL, total) : sums;
}

function whyNot(now, before, { shared, all } = { shared: 0, all: 0 }) {
  if (!now || !before) return "before.closed";
  if ([now, before].some((sum) => sum.room_days_loaded < READ_ALIKE * sum.room_days)) return "before.unread";
  // Days of rooms stand where a room is now, days read where it was: they differ where one moved.
  const hasMoved = ({ open_days: now, room_days_loaded: then }) => Math.abs(now - then) > (1 - READ_ALIKE) * then;
  return shared < READ_ALIKE * all || hasMoved(now) || hasMoved(before) ? "before.other_rooms" : null;
}

// The months that weeks are of: those that have a week or more of their days.
function monthsOf(data, weeks) {
  const days = new Map();
  for (const monday of weeks) {
    for (let day = 0; day < 7; day++) {
      const month = new Date(utc(monday).getTime() + day * DAY_MS).toISOString().slice(0, 7);
      days.set(month, (days.get(month) ?? 0) + 1);
    }
  }
  return new Set([...days].filter(([, found]) => found >= 7 || days.size > weeks.size)
    .map(([month]) => data.months.month.indexOf(month)));
}

// Open days of rooms in the months of either period, and how many are of rooms that were open in
// both: by building, and of all that is chosen.
function sharedDays(data, choice, nowMonths, beforeMonths) {
  const { rooms, room_months: table } = data;
  const days = new Map();
  for (let room = 0; room < rooms.name.length; room++) {
    if (choice.band !== null && choice.band !== rooms.band[room]) continue;
    let [now, before] = [0, 0];
    for (let row = rooms.row[room]; row < rooms.row[room + 1]; row++) {
      if (nowMonths.has(table.month[row])) now += table.open_days[row];
      if (beforeMonths.has(table.month[row])) before += table.open_days[row];
    }
    const building = rooms.building[room];
    const keys = choice.building === null || choice.building === building ? [building, ALL] : [building];
    for (const key of keys) {
      const sum = days.get(key) ?? { shared: 0, all: 0 };
      sum.all += now + before;
      if (now > 0 && before > 0) sum.shared += now + before;
      days.set(key, sum);
    }
  }
  return days;
}

// As many months just before the chosen ones, for what is kept by month; null where there are not
// as many that were read from their first day on.
function monthsBefore({ months, head }, choice) {
  const first = choice.first - monthsIn(choice);
  return first < 0 || head.first_read_date[0] > `${months.month[first]}-01` ? null
    : { ...choice, key: "before", first, last: choice.first - 1 };
}

// The same; null too where other rooms were open, or they were not read alike (R24).
function monthsAlike(data, choice) {
  const earlier = monthsBefore(data, choice);
  if (earlier === null) return null;
  const [now, before] = [choice, earlier].map((each) => timeTotal(data, each));
  const [nowMonths, beforeMonths] = [choice, earlier].map(({ first, last }) =>
    new Set(Array.from({ length: last - first + 1 }, (_, place) => first + place)));
  return whyNot(now, before, sharedDays(data, choice, nowMonths, beforeMonths).get(ALL)) === null ? earlier : null;
}

// As many months just before the closed ones of what is chosen, for what is kept by closed month.
function closedBefore(data, choice) {
  const closed = data.closedMonths.filter((month) => isChosenMonth(choice, month));
  return closed.length === 0 ? null : monthsAlike(data, { ...choice, first: closed[0], last: closed.at(-1) });
}

const monthsIn = (choice) => choice.last - choice.first + 1;

// Open and booked minutes for each hour of the week that is open.
function weekHours(data, choice) {
  const { hours: table } = data;
  const open = new Array(168).fill(0);
  const booked = new Array(168).fill(0);
  eachChosen(table, choice, (row) => {
    for (let place = table.from[row]; place < table.from[row + 1]; place++) {
      open[table.hours[place]] += table.open_minutes[place];
      booked[table.hours[place]] += table.booked_minutes[place];
    }
  });
  return new Map(open.flatMap((minutes, hour) =>
    (minutes > 0 ? [[hour, { open_minutes: minutes, booked_minutes: booked[hour] }]] : [])));
}

// The months in which other rooms, or other hours of the week, were open than in the month before.
function changedMonths(data, building) {
  const { rooms: all, room_months: table, months } = data;
  const rooms = months.month.map(() => new Set());
  all.building.forEach((each, room) => {
    if (each !== building) return;
    for (let row = all.row[room]; row < all.row[room + 1]; row++) {
      if (table.open_minutes[row] > 0) rooms[table.month[row]].add(room);
    }
  });
  const chosen = { building, band: null };
  const open = months.month.map((_, month) => [...weekHours(data, { ...chosen, first: month, last: month }).keys()].join());
  const isLong = (month) => (utc(months.last_date[month]) - utc(months.first_date[month])) / DAY_MS >= ALIKE_DAYS;
  const differ = (one, other) => one.size !== other.size || [...one].some((room) => !other.has(room));
  return months.month.map((_, month) => month)
    .filter((month) => month > data.head.first_room_month[0] && isLong(month) && isLong(month - 1))
    .map((month) => ({ month, rooms: differ(rooms[month], rooms[month - 1]), hours: open[month] !== open[month - 1] }))
    .filter((change) => change.rooms || change.hours);
}

function roomSum({ rooms, room_months: table }, room, { first, last }) {
  const sum = { room, open_minutes: 0, booked_minutes: 0, open_days: 0, used_days: 0, share: null };
  for (let row = rooms.row[room]; row < rooms.row[room + 1]; row++) {
    if (table.month[row] < first || table.month[row] > last) continue;
    sum.open_minutes += table.open_minutes[row];
    sum.booked_minutes += table.booked_minutes[row];
    sum.open_days += table.open_days[row];
    sum.used_days += table.used_days[row];
  }
  sum.share = ratio(sum.booked_minutes, sum.open_minutes);
  return sum;
}

const ranked = new WeakMap(); // by choice: two sections ask for the same ranking

// The chosen rooms that were open, busiest first; in the months that have rooms one by one.
function rankedRooms(data, choice) {
  if (!ranked.has(choice)) {
    const found = [];
    eachChosen(data.rooms, choice, (room) => {
      const sum = roomSum(data, room, choice);
      if (sum.open_minutes > 0) found.push(sum);
    });
    ranked.set(choice, found.sort((one, other) => other.share - one.share ||
      other.booked_minutes - one.booked_minutes || one.room - other.room));
  }
  return ranked.get(choice);
}

const SOLD = ["days", "shared_days", "sold_out_days", "sold_out_minutes"];

// Rooms at once by place: a site's building and size, each with its own peak.
function inUsePlaces(data, choice) {
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
}

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
