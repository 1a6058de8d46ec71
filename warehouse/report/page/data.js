// Reads the figures that the page carries, and names their building, size and month.

const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const HEADCOUNTS = ["1", "2", "3-4", "5-6", "7-10", "11-20", "21+", null];
const DURATIONS = ["0-15", "16-30", "31-60", "61-120", "121-240", "241+", "all-day"];
const LEAD_TIMES = ["0-15m", "15m-2h", "2h-1d", "1d-7d", "7d-30d", "30d+"];

async function readData() {
  const bytes = Uint8Array.from(
    atob(document.getElementById("data").textContent), (letter) => letter.charCodeAt(0));
  const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(inflated).json();
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

function dayName(date) {
  return new Date(`${date}T00:00:00Z`)
    .toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
}

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
