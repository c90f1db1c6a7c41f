/**
 * The two modules that the build puts beside the page. They are imported when the page is already
 * on the screen, so that a missing one is reported in words instead of leaving the page dead.
 */

import { PageError } from "./errors.js";

/** @typedef {import("../loom/generated/api.js").Loom} Loom */
/** @typedef {import("../loom/generated/api.js").Network} Network */
/** @typedef {import("../loom/generated/api.js").TrainingProgress} TrainingEvent */
/** @typedef {import("../loom/generated/api.js").TrainingResult} TrainingResult */
/** @typedef {NonNullable<import("../loom/index.js").LoadOptions["onProgress"]>} OnProgress */
/** @typedef {Parameters<OnProgress>[0]} StartUpProgress */

const CHART_MODULE = new URL("../vendor/uPlot.esm.js", import.meta.url).href;

/**
 * Start Python in a worker.
 *
 * @param {AbortSignal} signal
 * @param {OnProgress} onProgress
 * @returns {Promise<Loom>}
 */
export async function startLoom(signal, onProgress) {
  const { loadLoom } = await imported(import("../loom/index.js"), "loom/index.js");
  return loadLoom({ worker: true, signal, onProgress });
}

/** @returns {Promise<typeof import("uplot")>} the chart class */
export async function loadChartLibrary() {
  /** @type {{default: typeof import("uplot")}} */
  const module = await imported(import(CHART_MODULE), "vendor/uPlot.esm.js");
  return module.default;
}

/**
 * @template T
 * @param {Promise<T>} module
 * @param {string} file
 * @returns {Promise<T>}
 */
async function imported(module, file) {
  try {
    return await module;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // TypeError: the browser could not fetch it
    throw new PageError(
      `The file ${file} could not be loaded.`,
      "Check that the folder of this site is complete, then try again.",
      { cause: error },
    );
  }
}
