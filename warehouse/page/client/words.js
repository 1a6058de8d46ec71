// The page's messages, numbers and dates in the reader's language.

const LOCALES = { en: "en-GB", de: "de-DE", fr: "fr-FR", es: "es-ES", da: "da-DK" };
const LANGUAGE_NAMES = { en: "English", de: "Deutsch", fr: "Français", es: "Español", da: "Dansk" };

let language = "en";
let texts = {};
let formats = {};

// `?lang=` comes first, then the browser's languages in order, then English.
function preferredLanguage() {
  const asked = new URLSearchParams(window.location.search).get("lang");
  return [asked, ...navigator.languages].map((name) => name?.slice(0, 2).toLowerCase())
    .find((name) => name in LOCALES) ?? "en";
}

function speak(data, chosen) {
  language = chosen;
  texts = data.words[chosen];
  const locale = LOCALES[chosen];
  const days = (options) => new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options });
  const numbers = (options) => new Intl.NumberFormat(locale, options);
  formats = {
    plural: new Intl.PluralRules(locale),
    whole: numbers({ maximumFractionDigits: 0 }),
    tenths: numbers({ maximumFractionDigits: 1 }),
    signed: numbers({ maximumFractionDigits: 0, signDisplay: "exceptZero" }),
    percent: numbers({ style: "percent", maximumFractionDigits: 0 }),
    percentTenths: numbers({ style: "percent", maximumFractionDigits: 1 }),
    signedPercent: numbers({ style: "percent", maximumFractionDigits: 0, signDisplay: "exceptZero" }),
    day: days({ day: "numeric", month: "short", year: "numeric" }),
    dayOfYear: days({ day: "numeric", month: "short" }),
    instant: days({ day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" }),
    month: days({ month: "long", year: "numeric" }),
    shortMonth: days({ month: "short", year: "numeric" }),
    weekday: days({ weekday: "short" }),
    list: new Intl.ListFormat(locale, { type: "conjunction" }),
  };
  document.documentElement.lang = chosen;
}

// Returns a message of the catalogue. Its numbers and dates are formatted for the reader's language;
// `count` selects singular or plural.
function say(key, values = {}) {
  let text = texts[key];
  if (typeof text === "object") text = text[formats.plural.select(values.count)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (_, name) => written(name, values[name]));
}

const sayMessage = ({ key, ...values }) => say(key, values);

function written(name, value) {
  if (value !== null && typeof value === "object") return sayMessage(value);
  if (name.endsWith("_date")) return dayName(value);
  if (name.endsWith("_at")) return formats.instant.format(new Date(value));
  if (name.endsWith("_month")) return monthName(value);
  if (name === "band") return value.replace("-", "–");
  return typeof value === "number" ? count(value) : value;
}

const utc = (date) => new Date(`${date}T00:00:00Z`);
const dayName = (date) => formats.day.format(utc(date));
const monthName = (month, style = "month") => formats[style].format(utc(`${month}-01`));
const weekdayName = (number) => formats.weekday.format(utc(`2024-01-0${number + 1}`)); // a Monday
const clock = (hour) => `${String(hour).padStart(2, "0")}:00`;

const count = (number) => formats.whole.format(number);
const decimal = (number) => formats.tenths.format(number);
const hours = (minutes) => `${count(minutes / 60)} h`;

// A share as a whole percentage. A small share is never shown as 0%, nor nearly all as 100%.
function percent(share) {
  if (share === null) return "–";
  if (share > 0 && share < 0.005) return `<${formats.percent.format(0.01)}`;
  if (share < 1 && share >= 0.995) return `>${formats.percent.format(0.99)}`;
  return formats.percent.format(share);
}

// A share that "at least" stands before: "at least <1%" would say nothing.
const lowerBound = (share) => (share < 0.01 || share > 0.99 ? shareDown(share, 1) : percent(share));

// The ends of a bracket as shares, rounded outwards: the rounded bracket still holds.
const shareDown = (part, whole) => formats.percentTenths.format(whole > 0 ? Math.floor((1000 * part) / whole) / 1000 : 1);
const shareUp = (part, whole) => formats.percentTenths.format(whole > 0 ? Math.min(1000, Math.ceil((1000 * part) / whole)) / 1000 : 1);

// The difference of two shares in whole points, computed from the rounded shares that are shown.
const points = (now, before) => Math.round(now * 100) - Math.round(before * 100);
const signed = (number) => formats.signed.format(number);

const buildingName = (data, number) => data.buildings.building[number] ?? say("building.none");
function sizeName(data, number) {
  const band = data.bands[number];
  if (band === null) return say("size.unknown");
  return band === "1" ? say("size.one") : say("size.seats", { band });
}
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const inSentence = (name) => (language === "de" ? name : name.charAt(0).toLowerCase() + name.slice(1));

// Dates below an axis: only the first of each year names the year.
const axisDays = (dates) => dates.map((date, place) =>
  (place > 0 && date.slice(0, 4) === dates[place - 1].slice(0, 4)
    ? formats.dayOfYear.format(utc(date)) : dayName(date)));
