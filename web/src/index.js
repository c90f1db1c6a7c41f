/** Loom in a web page: `const loom = await loadLoom();` */

import { Api } from "./api.js";
import { LoomError } from "./errors.js";
import { startClient } from "./client.js";
import { startMainThread } from "./main_thread.js";

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
 * @property {(progress: Progress) => void} [onProgress] is told how the start-up goes on; what it
 *   throws ends the start-up
 */

/**
 * Start Python and load loom_core into it.
 *
 * A function among the arguments of a call is called until that call settles, always when Python
 * does not run. If it throws, the call is cancelled and rejects with what was thrown.
 *
 * @overload
 * @param {LoadOptions & { worker: false }} options
 * @returns {Promise<LoomOnMainThread>}
 */
/**
 * @overload
 * @param {LoadOptions & { worker?: true }} [options]
 * @returns {Promise<Loom>}
 */
/**
 * @param {LoadOptions} [options]
 * @returns {Promise<Loom | LoomOnMainThread>}
 * @throws {LoomError} `asset_missing` or `asset_corrupt`, naming the file; `worker_failed`
 */
export async function loadLoom({ assetBase, worker = true, signal, onProgress } = {}) {
  signal?.throwIfAborted();
  const base = new URL(assetBase ?? new URL("../", import.meta.url), location.href).href;
  const folder = base.endsWith("/") ? base : `${base}/`;
  const report = onProgress ?? (() => {});
  /** @type {Api} */
  let api;
  if (worker) {
    const client = await startClient(folder, report, signal);
    api = new Api(client, await client.ready);
  } else {
    const mainThread = await startMainThread(folder, report, signal);
    api = new Api(mainThread, mainThread.describe());
  }
  return /** @type {Loom | LoomOnMainThread} */ (/** @type {unknown} */ (api.loom));
}
