// Reads the figures that the page carries, and names their building, size and month.

const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const HEADCOUNTS = ["1", "2", "3-4", "5-6", "7-10", "11-20", "21+", null];
const DURATIONS = ["0-15", "16-30", "31-60", "61-120", "121-240", "241+", "all-day"];
const LEAD_TIMES = ["0-15m", "15m-2h", "2h-1d", "1d-7d", "7d-30d", "30d+"];

async function readData() {
  const letters = atob(document.getElementById("data").textContent);
  const bytes = new Uint8Array(letters.length);
  for (let place = 0; place < letters.length; place++) bytes[place] = letters.charCodeAt(place);
  const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return placed(await new Response(inflated).json());
}

// Adds to each table the columns that it is chosen by.
function placed(data) {
  const { time, slices, rooms, room_months: byRoom } = data;
  time.month = time.slice.map((slice) => slices.month[slice]);
  time.week_month = time.slice.map((slice) => slices.week_month[slice]);
  byRoom.building = byRoom.room.map((room) => rooms.building[room]);
  byRoom.band = byRoom.room.map((room) => rooms.band[room]);
  const isDaily = data.head.is_daily[0];
  slices.step = isDaily ? "day" : "week";
  slices.point = isDaily ? slices.first_date : slices.monday; // parts of a week are one point
  return data;
}

const buildingName = (data, number) => data.buildings.building[number] ?? "No building";
const sizeName = (data, number) =>
  data.bands[number] === null ? "Size unknown" : seats(data.bands[number]);
const seats = (band) => (band === "1" ? "1 seat" : `${band.replace("-", "–")} seats`);

function monthName(month, style = "long") {
  const [year, number] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1, 1))
    .toLocaleDateString("en-GB", { month: style, year: "numeric", timeZone: "UTC" });
}

const DAY = new Intl.DateTimeFormat("en-GB",
  { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const written = (format, date) => format.format(new Date(`${date}T00:00:00Z`)).replace("Sept", "Sep");
const dayName = (date) => written(DAY, date);

// Dates below an axis: the year only with the first of each.
const DAY_OF_YEAR = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const axisDays = (dates) => dates.map((date, place) =>
  (place > 0 && date.slice(0, 4) === dates[place - 1].slice(0, 4)
    ? written(DAY_OF_YEAR, date) : dayName(date)));

// The periods that can be chosen: each has a key for the address, and its months.
function periods(data) {
  const count = data.months.month.length;
  const found = [{ key: "all", name: "All days", first: 0, last: count - 1 }];
  for (const length of [12, 6, 3]) {
    if (count > length) {
      found.push(
        { key: `last-${length}`, name: `Last ${length} months`, first: count - length, last: count - 1 });
    }
  }
  for (let month = count - 1; count > 1 && month >= 0; month--) {
    const key = data.months.month[month];
    found.push({ key, name: monthName(key), first: month, last: month });
  }
  return found;
}
