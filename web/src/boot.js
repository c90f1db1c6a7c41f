/** The start-up sequence, the same in a worker and on the main thread. */

import { Downloads, loadManifest } from "./assets.js";
import { asLoomError } from "./errors.js";
import { Python, startPyodide } from "./python.js";

/** @import { Progress } from "./protocol.js" */

/**
 * Download everything, start Python meanwhile, open the bridge.
 *
 * @param {string} assetBase URL of the folder that holds manifest.json, ending in "/"
 * @param {(progress: Progress) => void} onProgress
 * @param {AbortSignal} [signal]
 * @returns {Promise<Python>}
 * @throws {import("./errors.js").LoomError} `asset_missing`, `asset_corrupt` or `worker_failed`
 */
export async function boot(assetBase, onProgress, signal) {
  onProgress(progress("manifest", "Reading the list of files"));
  const manifest = await loadManifest(assetBase, signal);
  let reported = 0;
  /** @type {Downloads} */
  const downloads = new Downloads(assetBase, manifest, /^pyodide\//, {
    signal,
    onBytes() {
      // One event for each percent: files arrive in hundreds of chunks.
      if (downloads.loadedBytes - reported < downloads.totalBytes / 100) return;
      reported = downloads.loadedBytes;
      onProgress(progress("download", "Downloading Python", downloads));
    },
  });
  const stopServing = downloads.serveByFetch();
  try {
    onProgress(progress("download", "Downloading Python", downloads));
    const starting = startPyodide(new URL("pyodide/", assetBase).href);
    // Python fails when a file does, and the file's error is the better one.
    const python = starting.catch(async (error) => {
      await downloads.complete;
      throw asLoomError(error);
    });
    const downloaded = downloads.complete.then(() =>
      onProgress(progress("python", "Starting Python", downloads)),
    );
    const [pyodide] = await Promise.all([python, downloaded]);
    onProgress(progress("core", "Loading loom_core", downloads));
    signal?.throwIfAborted();
    const bridge = new Python(pyodide);
    onProgress(progress("ready", "Ready", downloads));
    return bridge;
  } finally {
    stopServing();
  }
}

/**
 * @param {Progress["stage"]} stage
 * @param {string} message
 * @param {{ loadedBytes: number, totalBytes: number }} [downloads]
 * @returns {Progress}
 */
function progress(stage, message, downloads) {
  const { loadedBytes = 0, totalBytes = 0 } = downloads ?? {};
  return { stage, message, loadedBytes, totalBytes };
}
