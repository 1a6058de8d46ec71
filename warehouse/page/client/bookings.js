// The sections about bookings: sizes, durations, lead times, cancellations, and how bookings spread
// over bands. All cover closed months and count every booking: bands too small to be shown are merged
// into `few` (R17).

const ENOUGH_NAMED = 0.8; // of a cell's bookings: if fewer are in named bands, the bands say too little

function rightSizing() {
  const part = section("size-fit", { note: say("size-fit.note") });
  return (data, choice) => {
    const { sizes, shown, all } = sizeFit(data, choice);
    if (shown === 0 || shown < ENOUGH_NAMED * all) {
      return part.showNothing(say(data.closedMonths.length === 0 ? "few.no_closed_month"
        : data.closedMonths.some((month) => isChosenMonth(choice, month)) ? "few.too_few" : "few.month_open"));
    }
    part.picture.replaceChildren(saved(fitTable(data, sizes)));
    const sums = fitSums(data, sizes);
    const words = [say("size-fit.of", { count: shown, span: closedSpan(data, choice) }),
      sums.known === 0 ? say("size-fit.unknown") : say("size-fit.words", { count: sums.known, ...fitShares(sums) }),
      fitBefore(data, choice), shown < all ? say("size-fit.rest", { count: all - shown }) : ""];
    return part.show(words.filter(Boolean).join(" "), null, { isChart: false });
  };
}

const fitShares = ({ small, large, known }) => ({ small: lowerBound(small / known), large: lowerBound(large / known) });

function fitBefore(data, choice) {
  const earlier = closedBefore(data, choice);
  const before = earlier ? sizeFit(data, earlier) : { shown: 0 };
  if (before.shown === 0 || before.shown < ENOUGH_NAMED * before.all) return "";
  const sums = fitSums(data, before.sizes);
  return sums.known === 0 ? "" : say("size-fit.before", { count: monthsIn(earlier), ...fitShares(sums) });
}

// Rows are people invited and columns are sizes, so that the table fits a phone.
function fitTable(data, sizes) {
  const nameOf = (label) => (label === null ? say("unknown") : label.replace("-", "–"));
  const fewRow = sizes.some((size) => size.few > 0)
    ? [[say("few"), ...sizes.map((size) => fitCell(data, size, "few", size.few))]] : [];
  const labels = data.measures.headcount.filter((label) => label !== "few");
  return table(say("size-fit.table"),
    [say("invited"), ...sizes.map(({ band }) => (data.bands[band] === null ? say("unknown") : data.bands[band].replace("-", "–")))],
    [...labels.map((label) => [nameOf(label), ...sizes.map((size) => fitCell(data, size, label, size.counts.get(label)))]),
      ...fewRow,
      [say("bookings"), ...sizes.map((size) => number(size.all))]]);
}

function fitCell(data, size, label, bookings) {
  const part = bookings / size.all;
  const fit = label === "few" ? "unknown" : fitOf(data, size.band, label);
  const title = fit === "small" || fit === "large" ? say(`size-fit.${fit}`) : null;
  const child = element("span", { title }, bookings === 0 ? "·" : percent(part));
  return { child, value: bookings, kind: `fit fit-${fit} ${bookings ? heatOf(part) : "none"}` };
}

// Bookings by the bands of one measure, without the label `left`.
function distribution(id, measure, { left, wordsOf }) {
  const part = section(id, { isHalf: true });
  return (data, choice) => {
    const profile = profileOf(data, choice, measure);
    const without = profile && apart(profile, left);
    const why = whyNoProfile(data, choice, without);
    if (why) return part.showNothing(say(why));
    const earlier = closedBefore(data, choice);
    const found = earlier && profileOf(data, earlier, measure);
    const before = found && isEnough(apart(found, left)) ? apart(found, left) : null;
    const entries = [...without.counts].map(([label, bookings]) => [say(`${measure}.${label}`), bookings, before?.counts.get(label)]);
    if (without.few > 0) entries.push([say("few"), without.few, before?.few]);
    drawShares(part.picture, entries.map(([name]) => name), entries.map(([, bookings]) => bookings / without.all));
    const words = [say(`${id}.of`, { count: without.all, span: closedSpan(data, choice) }), wordsOf(without)];
    return part.show(words.join(" "), () => table(part.title,
      [say(`${id}.axis`), say("bookings"), say("share"), ...(before ? [say("months_before", { count: monthsIn(earlier) })] : [])],
      entries.map(([name, bookings, then]) => [name, number(bookings), share(bookings / without.all),
        ...(before ? [shareBefore(then / before.all, bookings / without.all)] : [])])));
  };
}

// A profile without the bookings of one label: a series, for example, has no lead time.
function apart(profile, label) {
  if (label === undefined) return profile;
  const counts = new Map(profile.counts);
  const bookings = counts.get(label);
  counts.delete(label);
  return { ...profile, counts, all: profile.all - bookings, named: profile.named - bookings };
}

const durations = () => distribution("durations", "duration", {
  wordsOf: (profile) => {
    const upTo = (last) => atLeast(profile, [...profile.counts.keys()].slice(0, last)).text;
    return say("durations.words", { half: upTo(2), hour: upTo(3) });
  },
});

const leadTimes = () => distribution("lead-times", "lead_time", {
  left: null,
  wordsOf: (profile) => {
    const labels = [...profile.counts.keys()];
    return say("lead-times.words", { early: atLeast(profile, labels.slice(3)).text, late: atLeast(profile, labels.slice(0, 1)).text });
  },
});

// Cancellations by notice in closed months, as the nightly runs saw them (R19).
function cancellations() {
  const part = section("cancelled", { isHalf: true });
  return (data, choice) => {
    if (choice.band !== null) return part.showNothing(say("cancelled.no_size"));
    const rows = cancelledRows(data, choice);
    if (rows === null) return part.showNothing(say("cancelled.none"));
    const { cancelled: found } = data;
    const sum = (name, of = rows) => sumOf(of.map((row) => found[name][row]));
    const all = sum("cancelled");
    const entries = data.measures.lead_time.filter((label) => label !== null).map((label) =>
      ({ name: say(label === "few" ? "few" : `lead_time.${label}`), count: sum("cancelled", rows.filter((row) => found.label[row] === label)) }))
      .filter((each) => each.count > 0);
    drawShares(part.picture, entries.map((each) => each.name), entries.map((each) => each.count / all));
    const words = [say("cancelled.words", { count: all, span: closedSpan(data, choice), time: hours(sum("minutes_given_back")),
      again: percent(ratio(sum("minutes_booked_again"), sum("minutes_given_back"))) })];
    const kept = [...new Map(rows.map((row) => [found.month[row], found.bookings_kept[row]])).values()];
    if (!kept.includes(null)) {
      const made = all + sumOf(kept);
      words.unshift(say("cancelled.rate", { rate: percent(all / made), count: made }));
    }
    return part.show(words.join(" "),
    () => cancelledTable(part.title, entries, all));
  };
}

const cancelledTable = (title, entries, all) => table(title, [say("cancelled.axis"), say("cancelled.count"), say("share")],
  entries.map((each) => [each.name, number(each.count), share(each.count / all)]));

// The rows of the choice; null if one of its months has none, as there may be too few to show.
function cancelledRows(data, choice) {
  const { cancelled: table } = data;
  const months = choice.key === "all" ? [ALL] : data.closedMonths.filter((month) => isChosenMonth(choice, month));
  const building = choice.building ?? ALL;
  const found = months.map((month) => table.label.map((_, row) => row)
    .filter((row) => table.building[row] === building && table.month[row] === month));
  return found.length === 0 || found.some((rows) => rows.length === 0) ? null : found.flat();
}

// How the chosen bookings spread over the bands of a measure (R17): `counts` by label, `few` in
// merged bands, `all` of them. Null if a cell is missing.
function profileOf(data, choice, measure) {
  if (choice.building === null && choice.band !== null) return null;
  const [building, band] = [choice.building ?? ALL, choice.band ?? ALL];
  const months = choice.key === "all" ? [ALL] : data.closedMonths.filter((month) => isChosenMonth(choice, month));
  const number = Object.keys(data.measures).indexOf(measure);
  const rows = months.map((month) => data.cells.get(cellOf(data, number, building, band, month)));
  return rows.length === 0 || rows.includes(undefined) ? null : profileSum(data, measure, rows);
}

function profileSum(data, measure, rows) {
  const { from, labels, bookings } = data.profile;
  const sums = data.measures[measure].map(() => 0);
  for (const row of rows) {
    for (let place = from[row]; place < from[row + 1]; place++) sums[labels[place]] += bookings[place];
  }
  const counts = new Map(data.measures[measure].map((label, place) => [label, sums[place]]));
  const few = counts.get("few");
  counts.delete("few");
  const named = sumOf([...counts.values()]);
  return { counts, few, all: named + few, named };
}

// The key of the message that says why a profile is missing or says too little; null if neither.
function whyNoProfile(data, choice, profile) {
  if (choice.building === null && choice.band !== null) return "few.choose_building";
  if (data.closedMonths.length === 0) return "few.no_closed_month";
  if (!data.closedMonths.some((month) => isChosenMonth(choice, month))) return "few.month_open";
  return profile === null || !isEnough(profile) ? "few.too_few" : null;
}

const isEnough = (profile) => profile.all > 0 && profile.named >= ENOUGH_NAMED * profile.all;

// The closed months in the choice, in words.
function closedSpan(data, choice) {
  const months = data.closedMonths.filter((month) => isChosenMonth(choice, month)).map((month) => data.months.month[month]);
  if (months.length < 2) return months.length ? monthName(months[0]) : "";
  return say("span.months", { first_month: months[0], last_month: months.at(-1) });
}

// A part of the bookings as a share of those whose band is known: a lower bound if some bands are
// merged, null if the whole part may be among the merged ones.
function atLeast(profile, labels, unknown = []) {
  const part = sumOf(labels.map((label) => profile.counts.get(label)));
  const all = profile.all - sumOf(unknown.map((label) => profile.counts.get(label)));
  if (all <= 0 || (part === 0 && profile.few > 0)) return { value: null, all, text: say("unknown") };
  const isExact = Math.round(((part + profile.few) / all) * 100) === Math.round((part / all) * 100);
  return { value: part / all, all, text: isExact ? percent(part / all) : say("at_least", { share: lowerBound(part / all) }) };
}

// Bookings by people invited, for each room size that has cells; `shown` counts these bookings, `all`
// counts every booking of the choice.
const sizeFit = kept(CHOICE, (data, choice) => {
  const months = choice.key === "all" ? [ALL] : data.closedMonths.filter((month) => isChosenMonth(choice, month));
  const { profile } = data;
  const rows = new Map();
  for (const row of data.fitRows) {
    const band = profile.band[row];
    if (!isChosenPlace(choice, profile.building[row], band) || !months.includes(profile.month[row])) continue;
    if (rows.has(band)) rows.get(band).push(row);
    else rows.set(band, [row]);
  }
  const sizes = [...rows].sort(([one], [other]) => one - other)
    .map(([band, found]) => ({ band, ...profileSum(data, "headcount", found) }));
  const shown = sumOf(sizes.map((size) => size.all));
  return { sizes, shown, all: choice.band === null ? profileOf(data, choice, "headcount")?.all ?? shown : shown };
});

// "small" if every headcount of the one band is under 0.6 of every capacity of the other, "large" if
// every headcount is over every capacity, "unknown" if either band is; else "fit": neither is certain.
function fitOf(data, band, headcount) {
  const place = data.measures.headcount.indexOf(headcount);
  if (data.bands[band] === null || headcount === null || place >= data.headcounts.length) return "unknown";
  const [least, most] = data.capacities[band];
  const [fewest, largest] = data.headcounts[place];
  if (largest !== null && largest < 0.6 * least) return "small";
  return most !== null && fewest > most ? "large" : "fit";
}

// Bookings by fit; `known` counts those of known size and headcount, including merged bands.
function fitSums(data, sizes) {
  const sums = zeros(["small", "large", "fit", "unknown", "few"]);
  for (const size of sizes) {
    for (const [headcount, bookings] of size.counts) sums[fitOf(data, size.band, headcount)] += bookings;
    sums[data.bands[size.band] === null ? "unknown" : "few"] += size.few;
  }
  return { ...sums, known: sums.small + sums.large + sums.fit + sums.few };
}
