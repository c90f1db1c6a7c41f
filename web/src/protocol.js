/**
 * Every message between the page and its worker.
 *
 * Both unions are tagged by `kind`; a `switch` over one ends in {@link unreachable}, so that the
 * type check fails where a new message is not handled.
 */

import { LoomError, deadSession } from "./errors.js";

/** @import { PlainError } from "./errors.js" */
/** @import { Memory } from "./generated/api.js" */
/** @import { Plain } from "./plain_data.js" */

/**
 * How far the start-up is.
 *
 * @typedef {object} Progress
 * @property {"manifest" | "download" | "python" | "core" | "ready"} stage in this order
 * @property {string} message for people
 * @property {number} loadedBytes never goes back
 * @property {number} totalBytes 0 until the manifest is read
 */

/**
 * Page to worker. `id` numbers a request; its answer carries the same one.
 *
 * @typedef {{ kind: "boot", assetBase: string }} Boot comes first, and once
 * @typedef {object} Call
 * @property {"call"} kind
 * @property {number} id
 * @property {number} target 0 for the module's functions, else the handle of an object
 * @property {string} name public name
 * @property {Plain[]} args a function in them is `{ $callback: index }`
 * @property {number} callbacks how many functions there are
 * @typedef {{ kind: "cancel", id: number }} Cancel the answer to this call is no longer wanted
 * @typedef {{ kind: "release", handle: number }} Release
 * @typedef {{ kind: "memory", id: number }} MemoryRequest
 * @typedef {{ kind: "answer", question: number, value: Plain }} Answer to a {@link Question}
 * @typedef {Boot | Call | Cancel | Release | MemoryRequest | Answer} ToWorker
 */

/**
 * Worker to page.
 *
 * @typedef {{ kind: "loaded" }} Loaded the worker's modules are there
 * @typedef {{ kind: "progress", progress: Progress }} BootProgress
 * @typedef {{ kind: "ready" }} Ready
 * @typedef {{ kind: "failed", error: PlainError }} Failed the worker is of no more use
 * @typedef {{ kind: "result", id: number, value: Plain | Memory }} Result
 * @typedef {{ kind: "error", id: number, error: PlainError }} CallFailed
 * @typedef {{ kind: "event", id: number, callback: number, args: Plain[] }} CallbackEvent
 * @typedef {object} Question a call of a function whose answer is waited for
 * @property {"question"} kind
 * @property {number} id
 * @property {number} question its own number
 * @property {number} callback
 * @property {Plain[]} args
 * @typedef {Loaded | BootProgress | Ready | Failed | Result | CallFailed | CallbackEvent | Question
 * } ToPage
 */

/** @type {{ [K in ToWorker["kind"]]: (message: Record<string, unknown>) => boolean }} */
const CHECKS = {
  boot: ({ assetBase }) => typeof assetBase === "string",
  call: ({ id, target, name, args, callbacks }) =>
    isNumber(id) &&
    isNumber(target) &&
    typeof name === "string" &&
    Array.isArray(args) &&
    isNumber(callbacks),
  cancel: ({ id }) => isNumber(id),
  release: ({ handle }) => isNumber(handle),
  memory: ({ id }) => isNumber(id),
  answer: ({ question }) => isNumber(question),
};

/**
 * Return a message as what it claims to be.
 *
 * @param {unknown} message
 * @returns {ToWorker}
 * @throws {LoomError} `worker_failed`: the shape is not that of any message
 */
export function checkToWorker(message) {
  const fields = /** @type {Record<string, unknown>} */ (Object(message));
  const kind = fields.kind;
  if (typeof kind === "string" && Object.hasOwn(CHECKS, kind)) {
    const known = /** @type {ToWorker["kind"]} */ (kind);
    if (CHECKS[known](fields)) return /** @type {ToWorker} */ (message);
  }
  throw deadSession(`The worker got a message it does not know: ${kind}.`);
}

/** @param {unknown} value */
function isNumber(value) {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/**
 * Ends an exhaustive `switch`: the compiler proves that no value gets here.
 *
 * @param {never} value
 * @returns {never}
 */
export function unreachable(value) {
  throw new LoomError("internal", `Unhandled case: ${JSON.stringify(value)}`);
}
