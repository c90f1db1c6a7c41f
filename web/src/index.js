/** Loom in a web page: `const loom = await loadLoom();` */

import { moduleFailure } from "./assets.js";
import { LoomError } from "./errors.js";

export { LoomError };
export { version } from "./generated/version.js";

/** @import { Loom, LoomOnMainThread } from "./generated/api.js" */
/** @import { Progress } from "./protocol.js" */

/**
 * @typedef {object} LoadOptions
 * @property {string | URL} [assetBase] the folder that holds manifest.json; where this module was
 *   served from, one folder up, when left out
 * @property {boolean} [worker] true: Python runs in a worker, every call gives a promise and the
 *   page stays responsive. false: it runs on this thread; calls give their results at once, and
 *   trainings give way to the page every 12 ms. Default true.
 * @property {AbortSignal} [signal] ends the start-up; the promise rejects with its reason
 * @property {(progress: Progress) => void} [onProgress] is told of the progress of the start-up;
 *   what it throws ends the start-up
 */

/**
 * Not an `@overload` of a function, whose comment the compiler would drop.
 *
 * @typedef {{
 *   (options: LoadOptions & { worker: false }): Promise<LoomOnMainThread>,
 *   (options?: LoadOptions & { worker?: true }): Promise<Loom>,
 * }} LoadLoom
 */

/**
 * Start Python and load loom_core into it.
 *
 * Rejects with a `LoomError` of code `asset_missing` or `asset_corrupt`, which names the file, or
 * `worker_failed`. A server that never answers makes it wait; `AbortSignal.timeout()` ends that.
 *
 * A function among the arguments of a call is called until that call settles, and only while Python
 * does not run. If it throws, the call is cancelled and fails with what was thrown.
 *
 * @type {LoadLoom}
 */
export const loadLoom = /** @type {LoadLoom} */ (start);

/** @param {LoadOptions} [options] */
async function start({ assetBase, worker = true, signal, onProgress = () => {} } = {}) {
  signal?.throwIfAborted();
  const base = new URL(assetBase ?? new URL("../", import.meta.url), location.href).href;
  const folder = base.endsWith("/") ? base : `${base}/`;
  const startEngine = await importEngine(worker, folder);
  signal?.throwIfAborted();
  return startEngine(folder, onProgress, signal);
}

/**
 * Only what every session needs is imported at once: a module that is missing below is reported.
 *
 * @param {boolean} worker
 * @param {string} folder
 */
async function importEngine(worker, folder) {
  try {
    if (worker) return (await import("./client.js")).startInWorker;
    return (await import("./main_thread.js")).startOnMainThread;
  } catch (error) {
    throw await moduleFailure(folder, String(error));
  }
}
