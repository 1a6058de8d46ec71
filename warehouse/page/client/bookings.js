// The sections about bookings: sizes, durations, lead times, what lies ahead.

const NONE_SHOWN = "No group of bookings alike is large enough to be shown for this choice.";

function rightSizing() {
  const part = section("size-fit", "Room size against people invited", {
    note: "Dashed: surely under 60% of the seats of even the smallest room of the size. Double line: surely more people than its largest room seats. A dot: none that may be shown. Invited people, not people who came.",
  });
  return (data, choice) => {
    const rows = sizeFit(data, choice);
    if (rows.length === 0) {
      part.picture.replaceChildren();
      return part.showNothing(NONE_SHOWN);
    }
    part.picture.replaceChildren(scrolling("Room size against people invited", fitTable(data, rows)));
    const sums = fitSums(rows);
    const { known } = sums;
    const words = known === 0 ? "No headcount is known." :
      `Of ${count(known)} bookings with known headcount and size, at least ${percent(sums.small / known)} are groups under 60% of the seats and at least ${percent(sums.large / known)} have more people than seats. ${heldBack(data, choice, known + sums.unknown)}`;
    return part.show(words, null, { isChart: false });
  };
}

// Bookings by bands of one kind. wordsOf(counts, all, isCut) says them in a sentence.
function distribution(id, title, tableName, labels, nameOf, wordsOf) {
  const part = section(id, title, { isHalf: true });
  return (data, choice) => {
    const counts = byLabel(data[tableName], choice, labels);
    const all = counts.reduce((sum, each) => sum + each, 0);
    if (all === 0) return part.showNothing(NONE_SHOWN);
    const shown = kindTotals(data, choice).bookings;
    const isCut = bookingsByWeeks(data, choice) > shown;
    drawShares(part.picture, labels.map(nameOf), counts.map((each) => each / all), isCut);
    return part.show(`${wordsOf(counts, all)} ${heldBack(data, choice, shown)}`, () =>
      table(title, ["", "Bookings", "Share"], labels.map((label, place) =>
        [nameOf(label), number(counts[place]), { ...share(counts[place] / all), text: shownShare(counts[place] / all, isCut) }])));
  };
}

const DURATION_NAMES = { "241+": "over 240 min", "all-day": "all day" };
const durations = () => distribution("durations", "How long bookings are", "durations", DURATIONS,
  (label) => DURATION_NAMES[label] ?? `${label.replace("-", "–")} min`,
  (counts, all) => `Of ${plural(all, "booking")} shown ${percent((counts[0] + counts[1]) / all)} last half an hour or less, ${percent((counts[0] + counts[1] + counts[2]) / all)} an hour or less.`);

const LEAD_NAMES = { "0-15m": "≤ 15 min", "15m-2h": "≤ 2 h", "2h-1d": "≤ 1 day", "1d-7d": "≤ 7 days",
  "7d-30d": "≤ 30 days", "30d+": "over 30 days" };
const leadTimes = () => distribution("lead-times", "How early single bookings are made", "lead_times",
  LEAD_TIMES, (label) => LEAD_NAMES[label],
  (counts, all) => `Of ${plural(all, "single booking")} shown ${percent((counts[3] + counts[4] + counts[5]) / all)} are made more than a day ahead${counts[0] ? `, ${percent(counts[0] / all)} ad hoc (up to 15 minutes)` : ""}; series have no lead time.`);

function forward() {
  const part = section("ahead", "Booked ahead");
  return (data, choice) => {
    const { ahead } = data;
    const sums = sumBy(ahead, choice, ["open_minutes", "booked_minutes", "bookings"], (row) => ahead.monday[row]);
    const weeks = [...sums].map(([monday, sum]) => ({ monday, ...sum, share: ratio(sum.booked_minutes, sum.open_minutes) }))
      .sort((one, other) => (one.monday < other.monday ? -1 : 1));
    const bookings = weeks.reduce((sum, each) => sum + each.bookings, 0);
    const open = weeks.filter((each) => each.share !== null);
    if (open.length === 0) return part.showNothing("No open day ahead has been read for this choice.");
    drawAhead(part.picture, open);
    return part.show(`${plural(bookings, "booking")} ahead; of open time ${percent(open[0].share)} is booked in the week of ${dayName(open[0].monday)} and ${percent(open.at(-1).share)} in the week of ${dayName(open.at(-1).monday)}. The period above does not apply here.`,
      () => scrolling("Booked ahead by week", table("Booked ahead by week", ["Week of", "Bookings", "Booked", "Utilization"],
        weeks.map((each) => [dayName(each.monday), number(each.bookings),
          number(each.booked_minutes, hours(each.booked_minutes)), share(each.share)]))));
  };
}
