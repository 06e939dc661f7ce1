/** HTTP-date of RFC 9110 §5.6.7, in its three forms. */

/** Seconds since the epoch, or `null` where the value is none of the three forms. */
export function parseHttpDate(value: string): number | null {
  const imf = IMF_FIXDATE.exec(value);
  if (imf !== null) return toSeconds(imf[3], imf[2], imf[1], imf[4]);
  const rfc850 = RFC850_DATE.exec(value);
  if (rfc850 !== null) return toSeconds(String(fourDigitYear(Number(rfc850[3]))), rfc850[2], rfc850[1], rfc850[4]);
  const asctime = ASCTIME_DATE.exec(value);
  if (asctime !== null) return toSeconds(asctime[4], asctime[1], asctime[2], asctime[3]);
  return null;
}

/** IMF-fixdate, such as `Sun, 06 Nov 1994 08:49:37 GMT`. */
export function formatHttpDate(seconds: number): string {
  return new Date(seconds * 1000).toUTCString();
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `Sun, 06 Nov 1994 08:49:37 GMT` */
const IMF_FIXDATE = /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}:\d{2}:\d{2}) GMT$/;
/** `Sunday, 06-Nov-94 08:49:37 GMT` */
const RFC850_DATE = /^[A-Z][a-z]{5,8}, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}:\d{2}:\d{2}) GMT$/;
/** `Sun Nov  6 08:49:37 1994` */
const ASCTIME_DATE = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}:\d{2}:\d{2}) (\d{4})$/;

function toSeconds(year = "", month = "", day = "", time = ""): number | null {
  const monthIndex = MONTHS.indexOf(month);
  if (monthIndex === -1) return null;
  const [hours, minutes, seconds] = time.split(":").map(Number);
  const ms = Date.UTC(Number(year), monthIndex, Number(day), hours, minutes, seconds);
  return Number.isNaN(ms) ? null : ms / 1000;
}

/** A date that seems to be more than 50 years ahead is the last one in the past with these digits. */
function fourDigitYear(twoDigits: number): number {
  const thisYear = new Date().getUTCFullYear();
  const year = thisYear - (thisYear % 100) + twoDigits;
  return year > thisYear + 50 ? year - 100 : year;
}
