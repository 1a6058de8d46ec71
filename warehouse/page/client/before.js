// The period before the chosen one, and whether the two can be compared (R24).

const READ_ALIKE = 0.95; // of room-days: below this share, two periods are not compared (R24)
const ALIKE_SHARE = 0.9; // of open days: buildings differ by their holidays

// The whole weeks in the choice, and as many weeks just before them.
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

// Sums of the chosen whole weeks and of the weeks before, in total and by building. If they cannot be
// compared, `why` is the key of the message that says so.
const compared = kept(CHOICE, (data, choice) => {
  const { weeks, now, before } = weeksOf(data, choice);
  if (weeks === 0) return { weeks, why: "before.no_week", of: () => null };
  if (before === null) return { weeks, why: choice.key === "all" ? "before.choose" : "before.none", of: () => null };
  const { slices } = data;
  const time = timeOf(data, choice);
  const [nowWeeks, beforeWeeks] = [new Set(now), new Set(before)];
  const kinds = slices.monday.map((monday) => (nowWeeks.has(monday) ? NOW : beforeWeeks.has(monday) ? BEFORE : 0));
  const kindOf = time.slice.map((slice) => kinds[slice]);
  const [sums, earlier] = [NOW, BEFORE].map((kind) => withTotal(choice, sumBy({ ...time, month: kindOf },
    { ...choice, building: null, first: kind, last: kind }, TIME, (row) => time.building[row])));
  const days = sharedDays(data, choice, monthsOf(data, nowWeeks), monthsOf(data, beforeWeeks));
  const why = (building) => whyNot(sums.get(building), earlier.get(building), days.get(building));
  const of = (building = ALL) => (why(building) === null ? { now: sums.get(building), before: earlier.get(building) } : null);
  return { weeks, first: before[0], last: before.at(-1), why: why(ALL), of };
});

// Adds the total of the choice to the sums by building.
function withTotal(choice, sums) {
  const chosen = [...sums].filter(([building]) => choice.building === null || choice.building === building);
  const total = Object.fromEntries(TIME.map((name) => [name, sumOf(chosen.map(([, sum]) => sum[name]))]));
  return chosen.length > 0 ? sums.set(ALL, asOfChoice(choice, total)) : sums;
}

function whyNot(now, before, { shared, all } = { shared: 0, all: 0 }) {
  if (!now || !before) return "before.closed";
  if ([now, before].some((sum) => sum.room_days_loaded < READ_ALIKE * sum.room_days)) return "before.unread";
  // open_days count where a room is now, room_days_loaded where it was on the day: they differ if a
  // room moved, unless another took its place.
  const hasMoved = ({ open_days: now, room_days_loaded: then, moved_days: moved }) =>
    Math.max(moved, Math.abs(now - then)) > (1 - READ_ALIKE) * then;
  return shared < READ_ALIKE * all || hasMoved(now) || hasMoved(before) ? "before.other_rooms" : null;
}

// The months of the weeks: those with at least 7 of their days, or both if one week spans two.
function monthsOf(data, weeks) {
  const days = new Map();
  for (const monday of weeks) {
    for (let day = 0; day < 7; day++) {
      const month = new Date(utc(monday).getTime() + day * DAY_MS).toISOString().slice(0, 7);
      days.set(month, (days.get(month) ?? 0) + 1);
    }
  }
  return new Set([...days].filter(([, found]) => found >= 7 || days.size > weeks.size)
    .map(([month]) => data.months.month.indexOf(month)).filter((month) => month >= 0));
}

// How far both periods had the same rooms: by building, and in total for the choice. A room's share of
// a period is over that of the room of its building with the most, since holidays are none; a building
// that opened late is measured by the others. `shared` sums the smaller of a room's two shares, `all` the
// larger. Weeks are judged by their months, since rooms have figures by month only.
function sharedDays(data, choice, nowMonths, beforeMonths) {
  const { rooms, buildings } = data;
  const shares = [nowMonths, beforeMonths].map((months) => {
    const open = openShares(data, months);
    const most = buildings.building.map(() => 0);
    open.forEach((part, room) => { most[rooms.building[room]] = Math.max(most[rooms.building[room]], part); });
    const least = ALIKE_SHARE * Math.max(...most) || 1;
    return open.map((part, room) => part / Math.max(most[rooms.building[room]], least));
  });
  const days = new Map(buildings.building.map((_, building) => [building, { shared: 0, all: 0 }]));
  eachChosen(rooms, { ...choice, building: null }, (room) => {
    const sum = days.get(rooms.building[room]);
    sum.shared += Math.min(shares[0][room], shares[1][room]);
    sum.all += Math.max(shares[0][room], shares[1][room]);
  });
  const chosen = choice.building === null ? [...days.values()] : [days.get(choice.building)];
  return days.set(ALL, { shared: sumOf(chosen.map((sum) => sum.shared)), all: sumOf(chosen.map((sum) => sum.all)) });
}

// The part of some months in which each room was open, of the weekdays on which it usually is: so rooms
// that are closed at weekends, which some months have more of, compare with rooms that never close.
function openShares({ rooms, months, room_months: { open_days: open, week_days: all } }, chosen) {
  const shares = new Float64Array(rooms.name.length);
  let days = 0;
  for (const month of chosen) {
    const long = (utc(months.last_date[month]) - utc(months.first_date[month])) / DAY_MS + 1;
    days += long;
    for (let room = 0, place = month * shares.length; room < shares.length; room++, place++) {
      if (all[place] > 0) shares[room] += long * Math.min(1, open[place] / all[place]);
    }
  }
  return shares.map((share) => (days > 0 ? share / days : 0));
}

// As many months just before the chosen ones, for figures kept by month. Null if there are too few,
// or if reading began after their first day.
function monthsBefore({ months, head }, choice) {
  const first = choice.first - monthsIn(choice);
  return first < 0 || head.first_read_date[0] > `${months.month[first]}-01` ? null
    : { ...choice, key: "before", first, last: choice.first - 1 };
}

// The same, but null also if other rooms were open or too few room-days were read (R24).
const monthsAlike = kept(CHOICE, (data, choice) => {
  const earlier = monthsBefore(data, choice);
  if (earlier === null) return null;
  const [now, before] = [choice, earlier].map((each) => timeTotal(data, each));
  return whyNot(now, before, sharedDays(data, choice, monthList(choice), monthList(earlier)).get(ALL)) === null ? earlier : null;
});

// As many months just before the chosen closed months, for figures kept by closed month.
function closedBefore(data, choice) {
  const closed = data.closedMonths.filter((month) => isChosenMonth(choice, month));
  return closed.length === 0 ? null : monthsAlike(data, { ...choice, first: closed[0], last: closed.at(-1) });
}
