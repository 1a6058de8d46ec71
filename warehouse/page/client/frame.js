// The frame of every section: a heading, a summary in a sentence, a picture, and the same figures
// as a table; a section says so when there is nothing to show. And the headline figures.

const ENOUGH_SHOWN = 0.8; // of all bookings: below, small groups left out would bend a share

// Makes a section's frame; returns how to fill it.
function section(id, title, { isHalf = false, note = null, more: moreName = "The figures as a table" } = {}) {
  const summary = element("p", { class: "summary", id: `${id}-summary` });
  const key = element("div", { class: "keys" });
  const picture = element("div", { class: "picture" });
  const details = element("details", {}, element("summary", {}, moreName));
  const more = element("div", { class: "more" });
  details.append(more);
  const frame = element("section", { id, class: isHalf ? "card half" : "card", "aria-labelledby": `${id}-title` },
    element("h2", { id: `${id}-title` }, title), summary, key, picture, details,
    note && element("p", { class: "quiet" }, note));
  document.getElementById("content").append(frame);
  let makeTable = null;
  const fill = () => makeTable && details.open && more.replaceChildren(makeTable());
  details.addEventListener("toggle", fill);
  return {
    picture,
    // A chart needs words beside it; a table of its own needs none.
    show(words, tableMaker, { isChart = true, signs = null } = {}) {
      frame.classList.remove("empty");
      summary.textContent = words;
      if (isChart) {
        picture.setAttribute("role", "img");
        picture.setAttribute("aria-labelledby", `${id}-title ${id}-summary`);
      }
      if (signs) key.replaceChildren(signs);
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
  const tile = (id, label, text, value, note, isHidden = false) => element("li", { hidden: isHidden ? "" : null },
    element("span", { class: "label" }, label),
    element("strong", { id: `figure-${id}`, "data-value": value ?? "" }, text),
    element("span", { class: "note" }, note));
  return (data, choice) => {
    const time = timeTotal(data, choice);
    const booked = ratio(time.booked_minutes, time.open_minutes);
    const rooms = rankedRooms(data, choice);
    const used = rooms.reduce((sum, room) => sum + room.used_days, 0);
    const since = roomsSince(data, choice);
    const open = rooms.reduce((sum, room) => sum + room.open_days, 0);
    const kinds = kindTotals(data, choice);
    const isEnough = kinds.bookings > 0 && kinds.bookings >= ENOUGH_SHOWN * bookingsByWeeks(data, choice);
    const external = isEnough ? ratio(kinds.external_bookings, kinds.external_known_bookings) : null;
    const recurring = isEnough ? ratio(kinds.recurring_bookings, kinds.bookings) : null;
    const readings = ratio(time.room_days_loaded, time.room_days);
    list.replaceChildren(
      tile("booked_utilization", "Booked utilization", percent(booked), booked,
        booked === null ? "no open time" : `${hours(time.booked_minutes)} of ${hours(time.open_minutes)} open${compared(data, choice, booked)}`),
      tile("bookings", "Bookings", count(time.bookings), time.bookings,
        `and ${hours(time.held_minutes)} held tentatively`),
      tile("rooms", "Rooms", count(roomsInDirectory(data, choice)), roomsInDirectory(data, choice),
        `${count(rooms.length)} open in this period${since}`),
      tile("used_day_share", "Days used", percent(ratio(used, open)), ratio(used, open),
        `of a room's open days have a booking${since}`),
      tile("recurring_share", "Recurring", percent(recurring), recurring,
        `of ${count(kinds.bookings)} bookings that may be shown`, recurring === null),
      tile("external_share", "With guests", percent(external), external,
        `of ${count(kinds.external_known_bookings)} bookings where it is known`, external === null),
      tile("room_days_loaded", "Readings", percent(readings), readings,
        "of open room-days were ever read; the others are in no figure", readings === null || readings === 1),
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
  const change = points === 0 ? "as in" : `${points > 0 ? "+" : "−"}${plural(Math.abs(points), "point")} on`;
  return `; ${change} ${name} before`;
}

// What part of all bookings a table without small groups holds.
function heldBack(data, choice, shown) {
  const all = bookingsByWeeks(data, choice);
  return all > shown ? `Small groups left out: ${count(all - shown)} of ${count(all)} bookings.` : "";
}

// Where there are very many rooms, the page has them one by one in the latest months only.
function roomsSince(data, choice) {
  const first = data.head.first_room_month[0];
  return choice.first < first ? ` from ${monthName(data.months.month[first])} on` : "";
}
