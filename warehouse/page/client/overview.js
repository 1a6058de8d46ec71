// The first screen: the questions that a facility manager asks first, and the headline figures beside
// those of the period before (R24).

const NAMED = 3;
const LITTLE_USED = 0.1; // of a room's open time

function answers() {
  const list = element("div", { class: "answers" });
  document.getElementById("content").append(element("section", { "aria-label": say("answers") }, list));
  return (data, choice) => list.replaceChildren(
    tooFew(data, choice), tooBig(data, choice), neverUsed(data, choice));
}

// The question leads to the section that shows why. Not by a link: the address holds the choice.
function answer(question, section, { text, id = null, value = null, note }) {
  const button = element("button", { type: "button", class: "link" }, say(question));
  button.addEventListener("click", () => {
    const heading = document.getElementById(`${section}-title`);
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    heading.scrollIntoView();
  });
  return element("div", { class: "card" }, element("h2", {}, button),
    element("strong", { id, "data-value": value }, text), element("p", {}, [note].flat().filter(Boolean).join(" ")));
}

// A building has too few rooms of a size if, day after day, there is a time when none is free.
function tooFew(data, choice) {
  const shared = inUsePlaces(data, choice).filter((place) => place.shared_days > 0);
  const short = shared.filter((place) => place.sold_out_days > 0).sort((one, other) =>
    other.sold_out_days / other.shared_days - one.sold_out_days / one.shared_days ||
    other.sold_out_minutes - one.sold_out_minutes);
  const ask = (text, note) => answer("few_rooms", "in-use", { text, note });
  if (shared.length === 0) return ask(say("unknown.answer"), say("few_rooms.unknown"));
  if (short.length === 0) return ask(say("none"), say("few_rooms.none"));
  const name = ({ building, band }) => `${buildingName(data, building)}, ${inSentence(sizeName(data, band))}`;
  const days = (place) => say("of_days", { part: place.sold_out_days, count: place.shared_days });
  const next = short.slice(1, NAMED).map((place) => say("few_rooms.next_one", { name: name(place), days: days(place) }));
  return ask(name(short[0]), [say("few_rooms.words", { days: days(short[0]), time: hours(short[0].sold_out_minutes) }),
    next.length ? say("few_rooms.next", { names: next.join("; ") }) : ""]);
}

// A booking's room is too big if surely fewer people are invited than 60% of its seats.
function tooBig(data, choice) {
  const { sizes, shown, all } = sizeFit(data, choice);
  const { small, large, known } = fitSums(data, sizes);
  const ask = (text, note) => answer("too_big", "size-fit", { text, note });
  if (known === 0 || shown < ENOUGH_NAMED * all) return ask(say("unknown.answer"), say("too_big.unknown"));
  const worst = sizes.map((size) => ({ size, ...fitSums(data, [size]) })).filter((each) => each.small > 0)
    .sort((one, other) => other.small / other.known - one.small / one.known)[0];
  const text = small === 0 ? say("none_for_sure") : small === known ? say("all") : capital(say("at_least", { share: lowerBound(small / known) }));
  return ask(text, [say("too_big.words", { count: known }),
    worst ? say("too_big.worst", { size: inSentence(sizeName(data, worst.size.band)), share: lowerBound(worst.small / worst.known) }) : "",
    large ? say("too_big.large", { share: lowerBound(large / known) }) : ""]);
}

function neverUsed(data, choice) {
  const rooms = openRooms(data, choice);
  const unused = rooms.filter((room) => room.booked_minutes === 0);
  const little = rooms.filter((room) => room.share < LITTLE_USED).length - unused.length;
  const ask = (text, note, value) => answer("never_used", "rooms", { id: "figure-dormant_rooms", text, note, value });
  if (rooms.length === 0) return ask(say("unknown.answer"), say("nothing_open"), 0);
  const named = unused.slice(0, NAMED).map(({ room }) =>
    `${data.rooms.name[room]} (${buildingName(data, data.rooms.building[room])})`);
  const names = unused.length > NAMED ? [...named, say("more", { count: unused.length - NAMED })] : named;
  return ask(unused.length ? say("rooms.count", { count: unused.length }) : say("none"), [
    unused.length ? `${formats.list.format(names)}.` : say("never_used.none"),
    little ? say("never_used.little", { count: little }) : "", roomsSince(data, choice)], unused.length);
}

// With very many rooms, the page has figures by room for the latest months only.
function roomsSince(data, choice) {
  const first = data.head.first_room_month[0];
  return choice.first < first ? say("rooms.since", { first_month: data.months.month[first] }) : "";
}

function headlines() {
  const list = element("ul", { class: "headlines" });
  const words = element("p", { class: "quiet", id: "compared" });
  document.getElementById("content").append(element("section", { "aria-label": say("headlines") }, list, words));
  return (data, choice) => {
    list.replaceChildren(...[...timeTiles(data, choice), ...bookingTiles(data, choice)].filter(Boolean));
    words.textContent = comparedWords(data, choice);
  };
}

function tile(id, text, value, note, before = null) {
  return element("li", {},
    element("span", { class: "label" }, say(`tile.${id}`)),
    element("strong", { id: `figure-${id}`, "data-value": value ?? "" }, text),
    element("span", { class: "note" }, note),
    before && element("span", { class: "note before" }, before));
}

// Null if a chosen room was in another building, or had another size, on some of the days.
const usedDays = (sum) => (sum.moved_days === 0 && sum.open_days === sum.room_days_loaded ? ratio(sum.used_days, sum.open_days) : null);
const bookedTime = (sum) => ratio(sum.booked_minutes, sum.open_minutes);
const soldOutDays = (sum) => ratio(sum.sold_out_days, sum.shared_days);

// A share in the weeks before, and the change since.
function weeksBefore(data, choice, shareOf) {
  const both = compared(data, choice).of();
  if (both === null) return null;
  const [now, before] = [both.now, both.before].map(shareOf);
  return now === null || before === null ? null
    : say("before.share", { share: percent(before), change: signed(points(now, before)) });
}

function timeTiles(data, choice) {
  const time = timeTotal(data, choice);
  const booked = bookedTime(time);
  const used = usedDays(time);
  const read = ratio(time.room_days_loaded, time.room_days);
  const soldOut = soldOutDays(time);
  const rooms = openRooms(data, choice).length; // a combined room does not count: its parts do (R25)
  return [
    tile("booked_utilization", percent(booked), booked, booked === null ? say("nothing_open")
      : say("tile.booked_utilization.note", { booked: hours(time.booked_minutes), open: hours(time.open_minutes) }),
    weeksBefore(data, choice, bookedTime)),
    used !== null && tile("used_day_share", percent(used), used, say("tile.used_day_share.note"),
      weeksBefore(data, choice, usedDays)),
    soldOut !== null && tile("sold_out", percent(soldOut), soldOut, say("tile.sold_out.note"),
      weeksBefore(data, choice, soldOutDays)),
    tile("rooms", count(rooms), rooms, [say("tile.rooms.note"), roomsSince(data, choice)].filter(Boolean).join(". ")),
    read !== null && read < 1 && tile("room_days_loaded", percent(read), read, say("tile.room_days_loaded.note")),
  ];
}

// Bookings are kept by closed month: they are compared with as many months before.
function bookingTiles(data, choice) {
  const earlier = closedBefore(data, choice);
  const made = (measure) => {
    const now = profileOf(data, choice, measure);
    return now && { now, before: earlier && profileOf(data, earlier, measure) };
  };
  const kind = made("kind");
  if (kind === null) return [];
  const span = closedSpan(data, choice);
  const shareTile = (id, found, labels, unknown) => {
    if (found === null || whyNoProfile(data, choice, found.now)) return null;
    const now = atLeast(found.now, labels, unknown);
    if (now.value === null) return null;
    const before = found.before && isEnough(found.before) ? atLeast(found.before, labels, unknown) : null;
    const words = before !== null && before.value !== null
      ? say("before.months", { share: before.text, count: monthsIn(earlier) }) : null;
    return tile(id, capital(now.text), now.value, say(`tile.${id}.note`, { count: now.all, span }), words);
  };
  return [
    tile("bookings", count(kind.now.all), kind.now.all, span,
      kind.before && say("before.months", { share: count(kind.before.all), count: monthsIn(earlier) })),
    shareTile("recurring_share", kind, ["occurrence", "exception"], []),
    shareTile("external_share", made("external"), ["external"], [null]),
  ];
}

function comparedWords(data, choice) {
  const { weeks, why, first, last } = compared(data, choice);
  return why ? say(why, { count: weeks })
    : say("before.weeks", { count: weeks, first_date: first, last_date: new Date(utc(last).getTime() + 6 * DAY_MS).toISOString().slice(0, 10) });
}
