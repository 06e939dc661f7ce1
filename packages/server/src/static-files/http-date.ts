/**
 * HTTP-date (RFC 9110 §5.6.7): IMF-fixdate, and the two obsolete forms that a recipient must accept. A date that does not exist, or
 * whose day of the week is wrong, is not accepted: conditions with such a date are ignored.
 */

/** Seconds since the epoch, or `null` if the value is in none of the three forms. */
export function parseHttpDate(value: string): number | null {
  const fixdate = toFixdate(value);
  if (fixdate === null) return null;
  // Date.parse accepts more than the grammar does, such as 31 Feb; what it reads is compared with what was written.
  const ms = Date.parse(fixdate);
  return !Number.isNaN(ms) && new Date(ms).toUTCString() === fixdate ? ms / 1000 : null;
}

/** IMF-fixdate, such as `Sun, 06 Nov 1994 08:49:37 GMT`. */
export function formatHttpDate(seconds: number): string {
  return new Date(seconds * 1000).toUTCString();
}

const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
/** `Sunday, 06-Nov-94 08:49:37 GMT` */
const RFC850_DATE =
  /^((?:Sun|Mon|Tues|Wednes|Thurs|Fri|Satur)day), (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}:\d{2}:\d{2}) GMT$/;
/** `Sun Nov  6 08:49:37 1994` */
const ASCTIME_DATE = /^([A-Z][a-z]{2}) ([A-Z][a-z]{2}) (\d| )(\d) (\d{2}:\d{2}:\d{2}) (\d{4})$/;

function toFixdate(value: string): string | null {
  if (IMF_FIXDATE.test(value)) return value;
  const rfc850 = RFC850_DATE.exec(value);
  if (rfc850 !== null) {
    const [, weekday = "", day, month, year, time] = rfc850;
    return `${weekday.slice(0, 3)}, ${day} ${month} ${fourDigitYear(Number(year))} ${time} GMT`;
  }
  const asctime = ASCTIME_DATE.exec(value);
  if (asctime === null) return null;
  const [, weekday, month, tens, ones, time, year] = asctime;
  return `${weekday}, ${tens === " " ? "0" : tens}${ones} ${month} ${year} ${time} GMT`;
}

/** "a timestamp that appears to be more than 50 years in the future" is "the most recent year in the past that had the same last two digits". */
function fourDigitYear(twoDigits: number): number {
  const thisYear = new Date().getUTCFullYear();
  const year = thisYear - (thisYear % 100) + twoDigits;
  return year > thisYear + 50 ? year - 100 : year;
}
