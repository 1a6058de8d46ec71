// What if rooms were removed or added (R22)? The answer is a bracket, from minutes of rooms alone: at
// least, if every meeting needs all seats of its room; at most, if every meeting fits in any room.

const SERVED = 0.99;
const MOST_ADDED = 99;
const MOST_SEATS = 999;

// The buildings to ask about; `plan` has, for each room of the plan, its minutes by seats needed.
function whatIfPlaces(data) {
  const { what_if: table, rooms } = data;
  return table.name.map((name, row) => {
    const plan = new Map();
    table.plan_rooms[row].forEach((room, at) => plan.set(room, [...(plan.get(room) ?? []),
      { seats: table.plan_seats[row][at], minutes: table.plan_minutes[row][at] }]));
    const isTwice = table.name.filter((other) => other === name).length > 1;
    return {
      name, title: isTwice ? `${name}, ${table.site[row] ?? "–"}` : name, building: table.building[row], days: table.days[row],
      rooms: table.rooms[row].map((room, at) => ({ id: table.ids[row][at], name: rooms.name[room],
        floor: rooms.floor[room], seats: rooms.capacity[room], minutes: table.minutes[row][at] })),
      levels: table.levels[row].map((count, at) => ({ count, minutes: table.level_minutes[row][at] })),
      plan: [...plan.values()],
    };
  });
}

const minutesAtMost = (place, rooms) =>
  sumOf(place.levels.map(({ count, minutes }) => minutes * Math.min(count, rooms)));

const minutesWithin = (planned, most) =>
  planned.reduce((sum, { seats, minutes }) => (seats <= most ? sum + minutes : sum), 0);

// The most minutes of the plan that rooms with these seats serve. Each room of the plan in turn takes
// a free size, or that of another, which moves to a new size or drops out: whichever gains most.
function minutesOfPlan(place, seats) {
  const sizes = sizesOf(seats);
  const free = sizes.map((size) => countOf(seats, size));
  const held = sizes.map(() => []);
  let served = 0;
  for (const planned of place.plan) {
    const worth = sizes.map((size) => minutesWithin(planned, size));
    const way = bestWay(worth, held, free);
    served += way.gain;
    if (way.end === null) continue;
    if (way.out) held[way.end].splice(held[way.end].indexOf(way.out), 1);
    else free[way.end] -= 1;
    let at = way.end;
    for (; way.from[at] !== null; at = way.from[at].size) {
      const { size, moved } = way.from[at];
      held[size].splice(held[size].indexOf(moved), 1);
      held[at].push(moved);
    }
    held[at].push(worth);
  }
  return served;
}

// The largest gain from one more room of the plan, and how: `from` says which room moves to each size.
function bestWay(worth, held, free) {
  const gain = [...worth];
  const from = worth.map(() => null);
  const moves = held.flatMap((there, size) => worth.map((_, to) => [...there]
    .map((moved) => ({ size, to, moved, more: moved[to] - moved[size] }))
    .reduce((best, each) => (best === null || each.more > best.more ? each : best), null)))
    .filter((move) => move !== null && move.size !== move.to);
  for (let round = 0; round < worth.length; round++) {
    for (const move of moves) {
      if (gain[move.size] + move.more > gain[move.to]) {
        gain[move.to] = gain[move.size] + move.more;
        from[move.to] = move;
      }
    }
  }
  const best = { gain: 0, end: null, out: null, from };
  worth.forEach((_, end) => {
    const out = free[end] > 0 ? null : held[end].reduce((least, each) => (least === null || each[end] < least[end] ? each : least), null);
    const whole = gain[end] - (out ? out[end] : 0);
    if ((free[end] > 0 || out) && whole > best.gain) Object.assign(best, { gain: whole, end, out });
  });
  return best;
}

function whatIfAnswer(place, gone, added) {
  const stay = place.rooms.filter((room) => !gone.has(room.id));
  const booked = sumOf(place.rooms.map((room) => room.minutes));
  const most = minutesAtMost(place, stay.length + added.length);
  const seats = [...stay.map((room) => room.seats).filter(Boolean), ...added].sort((one, other) => one - other);
  const unsized = sumOf(stay.filter((room) => !room.seats).map((room) => room.minutes));
  // Either no meeting moves, or all follow the plan.
  const inPlace = sumOf(stay.map((room) => room.minutes));
  const least = gone.size === 0 ? inPlace : Math.max(inPlace, unsized + minutesOfPlan(place, seats));
  return { booked, least, most, rooms: stay.length + added.length, seats };
}

// The fewest rooms of the plan that serve nearly all minutes (`SERVED`), each with as few seats as
// that allows. Rooms without a capacity stay: the plan does not cover their meetings.
function smallestMix(place) {
  const unsized = sumOf(place.rooms.filter((room) => !room.seats).map((room) => room.minutes));
  const booked = sumOf(place.rooms.map((room) => room.minutes));
  let spare = unsized - Math.ceil(SERVED * booked);
  const mix = [];
  const fullest = place.plan.map((planned) => ({ planned, minutes: minutesWithin(planned, Infinity) }))
    .sort((one, other) => other.minutes - one.minutes);
  for (const { planned, minutes } of fullest) {
    if (spare >= 0) break;
    mix.push(planned);
    spare += minutes;
  }
  if (spare < 0) return null;
  const seats = mix.map((planned) => {
    const sizes = [...planned].sort((one, other) => other.seats - one.seats);
    while (sizes.length > 1 && sizes[0].minutes <= spare) spare -= sizes.shift().minutes;
    return sizes[0].seats;
  });
  let fewest = 0;
  while (minutesAtMost(place, fewest) < SERVED * booked) fewest += 1;
  return { seats: seats.sort((one, other) => one - other), fewest };
}

const countOf = (list, value) => list.filter((each) => each === value).length;
const sizesOf = (list) => [...new Set(list)].sort((one, other) => one - other);

function mixWords(place) {
  const mix = smallestMix(place);
  if (mix === null) return say("what-if.no_mix");
  const parts = sizesOf(mix.seats).map((seats) => say("what-if.part", { count: countOf(mix.seats, seats), seats: seatsOf(seats) }));
  const unsized = place.rooms.filter((room) => !room.seats).length;
  if (unsized) parts.push(say("what-if.unsized", { count: unsized }));
  return say("what-if.mix", { mix: formats.list.format(parts), fewest: mix.fewest });
}

const seatsOf = (seats) => ({ key: "what-if.seats_of", count: seats });

const quoted = (text) => (/^[\w.-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

function whatIfCommand(data, place, gone, added) {
  const more = sizesOf(added).map((seats) => `--add ${seats}x${countOf(added, seats)}`);
  const asked = [...[...gone].map((id) => `--remove ${quoted(id)}`), ...more];
  return ["insights what-if", "--region", data.head.region[0], "--building", quoted(place.name),
    ...(asked.length ? asked : ["--suggest"])].join(" ");
}

function whatIfControls() {
  const numberInput = (name, value, least, most) => element("input", { id: `what-if-${name}`, type: "number", inputmode: "numeric", min: least, max: most, value });
  const place = element("select", { id: "what-if-building" });
  const floor = element("select", { id: "what-if-floor" });
  const [added, seats] = [numberInput("add", 0, 0, MOST_ADDED), numberInput("seats", 8, 1, MOST_SEATS)];
  const rooms = element("fieldset", {});
  const labelled = (key, control) => element("label", {}, element("span", {}, say(key)), control);
  const frame = element("div", { class: "asked" }, element("div", { class: "choices" },
    labelled("building", place), labelled("what-if.floor", floor),
    labelled("what-if.add", added), labelled("what-if.seats", seats)), rooms);
  return { place, floor, added, seats, rooms, frame };
}

const hoursOf = ({ least, most }) => (least === most ? hours(least)
  : { key: "what-if.range", least_time: hours(least), most_time: hours(most) });
const wholeOf = (input) => Math.min(Number(input.max), Math.max(Number(input.min), Math.floor(Number(input.value)) || 0));

function whatIf() {
  const part = section("what-if", { note: say("what-if.note") });
  const controls = whatIfControls();
  const answered = element("div", { class: "answered", role: "status" });
  let places = [];
  let data = null;
  let all = [];

  const boxes = () => [...controls.rooms.querySelectorAll("input")];
  const place = () => places[Number(controls.place.value)];

  const answerNow = () => {
    const gone = new Set(boxes().filter((box) => box.checked).map((box) => box.value));
    const added = Array(wholeOf(controls.added)).fill(wholeOf(controls.seats));
    const found = whatIfAnswer(place(), gone, added);
    const isAsked = gone.size + added.length > 0;
    const bracket = isAsked ? say("what-if.bracket", { least: shareDown(found.least, found.booked), most: shareUp(found.most, found.booked) })
      : say("what-if.ask");
    answered.toggleAttribute("data-asked", isAsked); // print leaves the section out otherwise
    answered.replaceChildren(
      element("strong", { "data-least": found.least, "data-most": found.most, "data-booked": found.booked }, bracket),
      element("p", {}, mixWords(place())),
      element("p", { class: "quiet" }, `${say("what-if.exact")} `, element("code", {}, whatIfCommand(data, place(), gone, added))));
    part.show(say("what-if.words", { time: hours(found.booked), days: place().days, found_time: hoursOf(found), rooms: found.rooms }),
      () => whatIfTable(place(), found.seats), { isChart: false });
  };

  const fillPlace = () => {
    const { rooms } = place();
    const floors = [...new Set(rooms.map((room) => room.floor).filter((name) => name !== null))].sort();
    controls.floor.replaceChildren(option("", say("what-if.no_floor")), ...floors.map((name) => option(name, name)));
    controls.rooms.replaceChildren(element("legend", {}, say("what-if.rooms")), ...rooms.map((room) =>
      element("label", {}, element("input", { type: "checkbox", value: room.id, "data-floor": room.floor }),
        room.seats ? `${room.name} (${say("what-if.seats_of", seatsOf(room.seats))})` : room.name)));
    answerNow();
  };

  controls.place.addEventListener("change", fillPlace);
  controls.floor.addEventListener("change", () => {
    for (const box of boxes()) box.checked = controls.floor.value !== "" && box.dataset.floor === controls.floor.value;
    answerNow();
  });
  for (const each of [controls.rooms, controls.added, controls.seats]) each.addEventListener("input", answerNow);

  return (given, choice) => {
    if (data !== given) all = whatIfPlaces(given);
    data = given;
    const wanted = place()?.title;
    places = all.filter((each) => choice.building === null || each.building === choice.building);
    if (places.length === 0) return part.showNothing(say("what-if.none"));
    controls.place.replaceChildren(...places.map((each, at) => option(at, each.title)));
    controls.place.value = Math.max(0, places.findIndex((each) => each.title === wanted));
    if (!controls.frame.isConnected) part.picture.replaceChildren(controls.frame, answered);
    return wanted === place().title ? answerNow() : fillPlace();
  };
}

function whatIfTable(place, seats) {
  const now = place.rooms.map((room) => room.seats).filter(Boolean);
  const mix = smallestMix(place)?.seats ?? null;
  return table(say("what-if.table"), [say("seats"), say("what-if.now"), say("what-if.asked"), say("what-if.in_mix")],
    sizesOf([...now, ...seats, ...(mix ?? [])]).map((size) => [count(size), number(countOf(now, size)),
      number(countOf(seats, size)), mix ? number(countOf(mix, size)) : "–"]));
}
