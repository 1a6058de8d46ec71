// The charts that ECharts draws. Colours are variables of the style sheet, so that dark, light and
// print need no redrawing.

const MANY_BUILDINGS = 6;
const COLOURS = [1, 2, 3, 4, 5, 6].map((place) => `var(--series-${place})`);
const SYMBOLS = ["circle", "rect", "triangle", "diamond", "roundRect", "pin"];
const SIGNS = ["●", "■", "▲", "◆", "■", "●"]; // how the key shows each symbol
const TEXT = { color: "var(--text)", fontFamily: "system-ui, sans-serif", fontSize: 12 };
const QUIET = { ...TEXT, color: "var(--quiet)" };

const drawn = new Map(); // place -> its chart
const waiting = new Map(); // place -> the chart to draw in it once the reader comes near

// Most charts are off screen: each is drawn when its section is about to be seen, or is printed.
const NEAR = 0.25; // of the window's height
const watcher = new IntersectionObserver(() => drawNear(), { rootMargin: `${100 * NEAR}% 0px` });

function isNear(place) {
  const { top, bottom } = place.closest("section").getBoundingClientRect();
  return bottom >= -NEAR * window.innerHeight && top <= (1 + NEAR) * window.innerHeight;
}

function forgetCharts() {
  watcher.disconnect();
  for (const chart of drawn.values()) chart.dispose();
  drawn.clear();
  waiting.clear();
}

function draw(place, height, option) {
  place.style.height = `${height}px`;
  waiting.set(place, option);
  watcher.observe(place.closest("section"));
}

function drawNear(isDrawn = isNear) {
  for (const [place, option] of [...waiting].filter(([each]) => isDrawn(each))) {
    waiting.delete(place);
    if (!drawn.has(place)) {
      const chart = echarts.init(place, null, { renderer: "svg" });
      drawn.set(place, chart);
      // A place that is not laid out for a moment has no width: the chart keeps its own.
      new ResizeObserver(() => { if (place.clientWidth > 0) chart.resize(); }).observe(place);
    }
    drawn.get(place).setOption({ animation: false, textStyle: TEXT, ...option }, { notMerge: true });
  }
}

const tooltip = (format, trigger = "axis") => ({
  trigger,
  confine: true,
  valueFormatter: format,
  backgroundColor: "var(--surface)",
  borderColor: "var(--line)",
  textStyle: TEXT,
  axisPointer: { type: "line", lineStyle: { color: "var(--quiet)" }, label: { show: false } },
});

const categories = (names, more = {}, label = {}) => ({
  type: "category",
  data: names,
  axisLine: { lineStyle: { color: "var(--line)" } },
  axisTick: { show: false },
  axisLabel: { ...QUIET, hideOverlap: true, ...label },
  ...more,
});

function dateAxis(dates, more = {}, label = {}) {
  const names = axisDays(dates);
  return categories(dates.map(dayName), more, { formatter: (_, place) => names[place], ...label });
}

const values = (format, more = {}) => ({
  type: "value",
  min: 0,
  axisLabel: { ...QUIET, formatter: format },
  splitLine: { lineStyle: { color: "var(--grid)" } },
  ...more,
});

const shareAxis = (more = {}) => values((value) => percent(value),
  { max: (found) => Math.max(0.2, Math.min(1, Math.ceil(found.max * 5) / 5)), ...more });

const grid = { left: 8, right: 16, top: 12, bottom: 8, containLabel: true };

// The key of a chart, as text of the page: it wraps and prints.
const chartKey = (entries) => element("p", { class: "key", "aria-hidden": "true" },
  ...entries.map(({ name, sign, colour }) => {
    const mark = element("span", {}, sign);
    mark.style.color = colour;
    return element("span", {}, mark, ` ${name}`);
  }));

const lineColour = (line, number) => (line.isTotal ? "var(--text)" : COLOURS[number]);

const lineKey = (lines) => chartKey(lines.map((line, number) =>
  ({ name: line.name, sign: line.isTotal ? "╍" : SIGNS[number], colour: lineColour(line, number) })));

// Draws lines, and dotted marks where the building's open rooms or hours changed.
function drawLines(place, dates, lines, marks = []) {
  const markLine = { silent: true, symbol: "none", data: marks.map((xAxis) => ({ xAxis })), label: { show: false },
    lineStyle: { color: "var(--quiet)", type: "dotted", width: 2 } };
  draw(place, 280, {
    grid,
    tooltip: tooltip(percent),
    xAxis: dateAxis(dates, { boundaryGap: false },
      { margin: 14, showMinLabel: true, alignMinLabel: "left", alignMaxLabel: "right" }),
    yAxis: shareAxis(),
    series: lines.map((line, number) => ({
      name: line.name,
      type: "line",
      data: line.shares,
      connectNulls: true,
      showSymbol: dates.length <= 40 && !line.isTotal,
      symbol: line.isTotal ? "none" : SYMBOLS[number],
      symbolSize: 6,
      color: lineColour(line, number),
      lineStyle: { width: line.isTotal ? 3 : 2, type: line.isTotal ? [6, 4] : "solid" },
      z: line.isTotal ? 3 : 2,
      emphasis: { disabled: true },
      ...(number === 0 && marks.length > 0 ? { markLine } : {}),
    })),
  });
}

// Draws open rooms as a wide bar, the peak inside it, the usual peak as a mark; returns key signs.
function drawPeaks(place, data, bands) {
  const signs = [
    { name: say("in-use.open"), sign: "■", colour: "var(--pale-sign)" },
    { name: say("in-use.peak"), sign: "■", colour: "var(--series-1)" },
    { name: say("in-use.usual"), sign: "❙", colour: "var(--series-2)" },
  ];
  const names = bands.map((band) => sizeName(data, band.band));
  const sizes = categories(names, { inverse: true, axisLabel: TEXT });
  draw(place, 34 + 36 * bands.length, {
    grid,
    tooltip: { ...tooltip(decimal), axisPointer: { type: "none" } },
    xAxis: values(count, { minInterval: 1 }),
    yAxis: [sizes, { ...sizes, show: false }], // bars of two axes overlap
    series: [
      { name: signs[0].name, type: "bar", barWidth: 22, color: "var(--pale)", z: 1,
        emphasis: { disabled: true }, data: bands.map((band) => band.rooms_open) },
      { name: signs[1].name, type: "bar", barWidth: 10, color: "var(--series-1)",
        z: 2, yAxisIndex: 1, emphasis: { disabled: true }, data: bands.map((band) => band.peak) },
      { name: signs[2].name, type: "scatter", symbol: "rect",
        symbolSize: [4, 22], color: "var(--series-2)", itemStyle: { opacity: 1 }, z: 3,
        emphasis: { disabled: true }, data: bands.map((band) => band.usual_peak) },
    ],
  });
  return signs;
}

function drawShares(place, names, shares) {
  draw(place, 34 * names.length + 16, {
    grid: { ...grid, top: 4, right: 44 },
    tooltip: { ...tooltip(percent), axisPointer: { type: "none" } },
    xAxis: shareAxis({ axisLabel: { show: false }, splitLine: { show: false } }),
    yAxis: categories(names, { inverse: true, axisLabel: TEXT }),
    series: [{
      type: "bar",
      data: shares,
      color: COLOURS[0],
      barCategoryGap: "30%",
      itemStyle: { borderRadius: [0, 3, 3, 0] },
      label: { show: true, position: "right", formatter: ({ value }) => percent(value), ...TEXT },
      emphasis: { disabled: true },
    }],
  });
}

function drawAhead(place, weeks) {
  draw(place, 210, {
    grid,
    tooltip: { ...tooltip(percent), axisPointer: { type: "none" } },
    xAxis: dateAxis(weeks.map((week) => week.monday)),
    yAxis: shareAxis(),
    series: [{ type: "bar", name: say("booked"), data: weeks.map((week) => week.share),
      color: "var(--series-1)", itemStyle: { borderRadius: [3, 3, 0, 0] },
      emphasis: { disabled: true } }],
  });
}

// Draws booked time as a bar, the expected range as a pale bar behind it, its median as a mark;
// returns the key's signs.
function drawBusy(place, days) {
  const signs = [
    { name: say("booked"), sign: "■", colour: "var(--series-1)" },
    { name: say("busy.range"), sign: "■", colour: "var(--pale-sign)" },
    { name: say("busy.median"), sign: "▬", colour: "var(--series-2)" },
  ];
  const axis = dateAxis(days.map((day) => day.day));
  const bar = { type: "bar", emphasis: { disabled: true } };
  draw(place, 210, {
    grid,
    tooltip: { ...tooltip((value) => (value === null || value === undefined ? "–" : percent(value))), axisPointer: { type: "none" } },
    xAxis: [axis, { ...axis, show: false }], // bars of two axes overlap
    yAxis: shareAxis(),
    series: [
      { ...bar, stack: "range", barWidth: "70%", color: "transparent", z: 1, tooltip: { show: false }, silent: true,
        data: days.map((day) => ratio(day.low, day.open_minutes)) },
      { ...bar, stack: "range", barWidth: "70%", color: "var(--pale)", z: 1, name: signs[1].name,
        itemStyle: { borderColor: "var(--pale-sign)", borderWidth: 1 },
        tooltip: { show: false }, data: days.map((day) => ratio(day.high - day.low, day.open_minutes)) },
      { ...bar, xAxisIndex: 1, barWidth: "30%", color: "var(--series-1)", z: 2, name: signs[0].name,
        data: days.map((day) => ratio(day.booked_minutes, day.open_minutes)) },
      { type: "scatter", symbol: "rect", symbolSize: [10, 4], color: "var(--series-2)", z: 3, name: signs[2].name,
        itemStyle: { opacity: 1 }, emphasis: { disabled: true },
        data: days.map((day) => (day.median === null ? null : ratio(day.median, day.open_minutes))) },
    ],
  });
  return days.some((day) => day.median !== null) ? signs : signs.slice(0, 1);
}

// A printed page is narrower and lower than a window, and cannot scroll.
const PRINTED_WIDTH = 690;
const PRINTED_HEIGHT = 0.58;
const heights = new Map();
window.addEventListener("beforeprint", () => {
  drawNear(() => true);
  for (const [place, chart] of drawn) {
    const columns = place.closest(".half") ? 2 : 1;
    heights.set(place, place.style.height);
    place.style.height = `${PRINTED_HEIGHT * parseFloat(place.style.height)}px`;
    chart.resize({ width: PRINTED_WIDTH / columns - 16 * (columns - 1), height: parseFloat(place.style.height) });
    chart.getZr().flush(); // printing does not wait for the next frame
  }
});
window.addEventListener("afterprint", () => drawn.forEach((chart, place) => {
  place.style.height = heights.get(place);
  chart.resize({ width: "auto", height: "auto" });
}));
