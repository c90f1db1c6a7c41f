/**
 * Numbers as the page writes them, in one place so that they look the same everywhere.
 */

const BYTES_PER_MEGABYTE = 1_000_000;

/** @param {number} fraction 0 to 1 */
export function formatPercent(fraction) {
  return `${(fraction * 100).toFixed(1)}\u00a0%`; // no line break before the sign
}

/** @param {number} loss */
export function formatLoss(loss) {
  return loss >= 0.01 || loss === 0 ? loss.toFixed(3) : loss.toPrecision(2);
}

/**
 * A whole number with a comma before each three digits. By hand, because the browser's own
 * formatter takes 20 ms to get ready, in the middle of the start-up.
 *
 * @param {number} count
 */
export function formatCount(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** @param {number} bytes */
export function formatMegabytes(bytes) {
  return `${(bytes / BYTES_PER_MEGABYTE).toFixed(1)} MB`;
}

/** @param {number} seconds */
export function formatDuration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/**
 * A number of any size in three digits.
 *
 * @param {number | null} number
 */
export function formatMagnitude(number) {
  if (number === null) return "–";
  if (number === 0 || !Number.isFinite(number)) return String(number);
  const size = Math.abs(number);
  return size >= 0.001 && size < 100_000
    ? String(Number(number.toPrecision(3)))
    : number.toExponential(1);
}
