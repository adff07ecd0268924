/** Pattern, locale, zone, interval in ms, time in ms. */
export type JodaCase = readonly [pattern: string, locale: string, zone: string, durationMs: string, timeMs: string]

const hour = 3_600_000
const day = 24 * hour
const hourly = "'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH"

const zones = [
  'UTC',
  'America/New_York',
  'Europe/Zurich',
  'Asia/Kolkata',
  'America/St_Johns',
  'Australia/Lord_Howe',
  '+02:00',
]

/** Before, in and after changes of clocks, at the ends of years, and long ago. */
const times = [
  '1700000000000',
  '0',
  '-1',
  '-3600001',
  '1709209800000',
  '1711846799999',
  '1711846800000',
  '1729990800000',
  '1729994400000',
  '1729998000000',
  '1710054000000',
  '1710057600000',
  '1730610000000',
  '1730613600000',
  '1730617200000',
  '1735689599999',
  '1735689600000',
  '1704067200000',
  '1609459200000',
  '1830297599000',
  '4102444800000',
  '-62135596800000',
]

/** Each letter of a pattern, in several lengths. */
const letters = 'yYxwDMdEeaHhKkmsSZC'
  .split('')
  .flatMap((letter) => [1, 2, 3, 4, 5].map((count) => letter.repeat(count)))

const texts = ["''yyyy''", "'it''s' HH", 'YYYY-MM-dd_HH:mm:ss.SSS', "'dt'=yyyy-MM-dd/HHmm", 'xxxx-ww']

export const jodaCases: readonly JodaCase[] = [
  ...zones.flatMap((zone) =>
    times.flatMap((time): readonly JodaCase[] =>
      [hour, day, 15 * 60_000, 7 * day, 1].map((ms) => [hourly, 'en', zone, String(ms), time]),
    ),
  ),
  ...letters.flatMap((pattern) =>
    ['1700000000000', '1735689600000', '978307199999'].map((time): JodaCase => [
      pattern,
      'en',
      'Europe/Zurich',
      '1',
      time,
    ]),
  ),
  ...texts.map((pattern): JodaCase => [pattern, 'en', 'UTC', '60000', '1700000000000']),
  ...['de', 'fr', 'es', 'en-US', 'de_DE'].flatMap((locale) =>
    ['MMMM', 'MMM', 'EEEE', 'EEE'].map((pattern): JodaCase => [pattern, locale, 'UTC', '1', '1709209800000']),
  ),
]
