// What the examples say of their results; a failed check is an error that the test shows.

/**
 * @typedef {object} Check
 * @property {(actual: unknown, expected: unknown) => void} equal the same numbers, text and lists
 * @property {(actual: number, expected: number, tolerance?: number) => void} near
 * @property {(claim: boolean, what: string) => void} that
 * @property {(code: string, action: () => unknown) => Promise<void>} fails with an error of a code
 */

/** @type {Check} */
export const check = {
  equal(actual, expected) {
    const [found, wanted] = [actual, expected].map((value) => JSON.stringify(value, ordered));
    if (found !== wanted) throw new Error(`${found} is not ${wanted}`);
  },
  near(actual, expected, tolerance = 1e-5) {
    const limit = tolerance * Math.max(1, Math.abs(expected));
    if (!(Math.abs(actual - expected) <= limit)) throw new Error(`${actual} is not ${expected}`);
  },
  that(claim, what) {
    if (!claim) throw new Error(`not so: ${what}`);
  },
  async fails(code, action) {
    let found = "no error";
    try {
      await action();
    } catch (error) {
      found = String(/** @type {{ code?: unknown }} */ (error).code);
    }
    this.equal(found, code);
  },
};

/**
 * Sort the keys of objects, make lists of typed arrays and text of what JSON has not.
 *
 * @param {string} _key
 * @param {unknown} value
 * @returns {unknown}
 */
function ordered(_key, value) {
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  if (ArrayBuffer.isView(value)) return Array.from(/** @type {Float32Array} */ (value));
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
