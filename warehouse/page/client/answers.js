// What a facility manager asks first, each answered in a line: too few, too big, never used?

const NAMED = 3;

function answers() {
  const list = element("div", { class: "answers" });
  document.getElementById("content").append(
    element("section", { "aria-label": "What stands out" }, list));
  return (data, choice) => list.replaceChildren(
    tooFew(data, choice), tooBig(data, choice), neverUsed(data, choice));
}

// The question leads to the section that shows why. (A link would: but the address is the choice.)
function answer(question, section, { text, id = null, value = null, note }) {
  const button = element("button", { type: "button", class: "link" }, question);
  button.addEventListener("click", () => {
    const heading = document.getElementById(`${section}-title`);
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    heading.scrollIntoView();
  });
  return element("div", { class: "card" }, element("h2", {}, button),
    element("strong", { id, "data-value": value }, text), element("p", {}, note));
}

// The rooms of one building and size are too few where none of them is free, day after day.
function tooFew(data, choice) {
  const shared = inUsePlaces(data, choice).filter((place) => place.shared_days > 0);
  const short = shared.filter((place) => place.sold_out_days > 0).sort((one, other) =>
    other.sold_out_days / other.shared_days - one.sold_out_days / one.shared_days ||
    other.sold_out_minutes - one.sold_out_minutes);
  const ask = (text, note) => answer("Too few?", "in-use", { text, note });
  if (shared.length === 0) return ask("Not known", "Needs a building with two open rooms of one size.");
  if (short.length === 0) {
    return ask("None", "Wherever a building has two rooms of a size or more, one was free at any time.");
  }
  const name = ({ building, band }) => `${buildingName(data, building)}, ${sizeName(data, band).toLowerCase()}`;
  const days = (place) => `${count(place.sold_out_days)} of ${plural(place.shared_days, "day")}`;
  const next = short.slice(1, NAMED).map((place) => `${name(place)} on ${days(place)}`);
  return ask(name(short[0]), `All of them taken at some time on ${days(short[0])}, ${hours(short[0].sold_out_minutes)} in all.${next.length ? ` Next: ${next.join("; ")}.` : ""}`);
}

// Rooms are too big where surely less than 60% of their seats were asked for.
function tooBig(data, choice) {
  const rows = sizeFit(data, choice);
  const { small, large, known } = fitSums(rows);
  const ask = (text, note) => answer("Too big?", "size-fit", { text, note });
  if (known === 0) return ask("Not known", "No headcount that may be shown meets a known size.");
  const worst = rows.map((row) => ({ row, ...fitSums([row]) })).filter((each) => each.small > 0)
    .sort((one, other) => other.small / other.known - one.small / one.known)[0];
  const most = worst ? ` Most in rooms of ${sizeName(data, worst.row.band).toLowerCase()}: ${percent(worst.small / worst.known)}.` : "";
  const share = small === known ? "All" : `At least ${percent(small / known)}`;
  return ask(small ? share : "None for sure",
    `of ${plural(known, "booking")} shown invite fewer people than 60% of the seats.${most}${large ? ` Too small: at least ${percent(large / known)}.` : ""}`);
}

function neverUsed(data, choice) {
  const rooms = rankedRooms(data, choice);
  const unused = rooms.filter((room) => room.booked_minutes === 0);
  const quiet = rooms.filter((room) => room.share < LITTLE_USED).length - unused.length;
  const ask = (text, note, value) =>
    answer("Never used?", "rooms", { id: "figure-dormant_rooms", text, note, value });
  if (rooms.length === 0) return ask("Not known", "No room was open in this period.", 0);
  const named = unused.slice(0, NAMED).map(({ room }) =>
    `${data.rooms.name[room]} (${buildingName(data, data.rooms.building[room])})`);
  const more = unused.length > NAMED ? ` and ${count(unused.length - NAMED)} more` : "";
  const since = roomsSince(data, choice);
  const words = unused.length ? `${named.join(", ")}${more}${since}.` : `Every open room was booked${since}.`;
  return ask(unused.length ? plural(unused.length, "room") : "None",
    `${words}${quiet ? ` ${count(quiet)} ${unused.length ? "more " : ""}booked for less than a tenth of open time.` : ""}`, unused.length);
}
