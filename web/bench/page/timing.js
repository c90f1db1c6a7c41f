/**
 * Timing. A series is a function `run(k)` that does its step k times and resolves when all of it is
 * done; how many steps make a sample long enough for the clock is found out first.
 *
 * @typedef {(k: number) => unknown} Run
 * @typedef {{ sampleMs: number, warmMs: number }} Lengths
 */

/** @param {Run} run @param {number} k @returns {Promise<number>} milliseconds for all k */
async function timed(run, k) {
  const start = performance.now();
  await run(k);
  return performance.now() - start;
}

/**
 * Run until caches are warm and code is compiled; find the number of steps of a sample.
 *
 * @param {Run} run
 * @param {Lengths} lengths
 * @returns {Promise<{ firstMs: number, steps: number }>} the very first step, and steps per sample
 */
export async function warmUp(run, { sampleMs, warmMs }) {
  const start = performance.now();
  const firstMs = await timed(run, 1);
  let steps = 1;
  let last = await timed(run, steps);
  while (last < sampleMs || performance.now() - start < warmMs) {
    if (last < sampleMs) {
      const wanted = Math.ceil((steps * sampleMs * 1.1) / Math.max(last, 0.01));
      steps = Math.max(steps + 1, Math.min(steps * 8, wanted));
    }
    last = await timed(run, steps);
  }
  return { firstMs, steps };
}

/**
 * @param {Run} run
 * @param {number} steps
 * @returns {Promise<number>} milliseconds a step
 */
export const sample = async (run, steps) => (await timed(run, steps)) / steps;
