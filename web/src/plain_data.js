/**
 * What may cross between the page, the worker and Python, and how it is rewritten on the way.
 *
 * Two markers stand for what cannot cross itself: `{ $object: handle, $class: name }` for an object
 * that lives in Python, `{ $callback: index }` for a function of the caller.
 */

import { LoomError } from "./errors.js";

/**
 * @typedef {null | undefined | boolean | number | bigint | string | ArrayBufferView |
 *   PlainList | PlainObject | Callback} Plain
 */
/** @typedef {Plain[]} PlainList */
/** @typedef {{ [key: string]: Plain }} PlainObject */
/** @typedef {(...args: Plain[]) => unknown} Callback */

/** @typedef {{ args: Plain[], functions: Callback[] }} Encoded functions in the order of markers */

/** Deeper than any argument or result; also what ends the walk of an object that holds itself. */
const MAX_DEPTH = 64;

/** Most bytes of all arrays in one call; beyond that Python may run out of memory half-way. */
const MAX_BYTES = 2 ** 30;

/** The arrays that Python's buffers know. */
const ARRAYS = new Set([
  ...["Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array"],
  ...["Uint32Array", "BigInt64Array", "BigUint64Array", "Float32Array", "Float64Array"],
]);

/**
 * Copy nested arrays and plain objects; `visit` is asked for every value, parents first, and calls
 * `descend` for those that it has no replacement for.
 *
 * @param {unknown} value
 * @param {(value: unknown, descend: (value: unknown) => Plain) => Plain} visit
 * @returns {Plain}
 * @throws {LoomError} `call`: nested too deeply
 */
export function mapPlain(value, visit) {
  let depth = 0;
  /** @type {(item: unknown) => Plain} */
  const descend = (item) => {
    if (!Array.isArray(item) && !isPlainObject(item)) return /** @type {Plain} */ (item);
    if (++depth > MAX_DEPTH) {
      throw new LoomError("call", `A value is nested more than ${MAX_DEPTH} deep or holds itself.`);
    }
    // fromEntries makes own properties whatever the key, "__proto__" included.
    const copy = Array.isArray(item)
      ? copyOf(item, step)
      : Object.fromEntries(Object.entries(item).map(([key, field]) => [key, step(field)]));
    depth--;
    return copy;
  };
  /** @type {(item: unknown) => Plain} */
  const step = (item) => visit(item, descend);
  return step(value);
}

/**
 * Numbers stand for themselves: of a long array of them, which is common, nothing is visited.
 *
 * @param {unknown[]} array
 * @param {(item: unknown) => Plain} step
 * @returns {Plain[]}
 */
const copyOf = (array, step) => (holdsNumbers(array) ? array.slice() : Array.from(array, step));

/**
 * @param {unknown[]} array
 * @returns {array is number[]} whether it holds nothing else, and no gaps
 */
export function holdsNumbers(array) {
  for (const item of array) if (typeof item !== "number") return false;
  return true;
}

/**
 * Rewrite the arguments of a call as data that can be posted.
 *
 * @param {unknown[]} args
 * @param {(object: object) => number | undefined} handleOf the handle of an object from Python
 * @param {boolean} copyArrays so that their buffers can be transferred; the caller keeps its own
 * @returns {Encoded}
 * @throws {LoomError} `call`: a value that cannot cross; `limit`: too much of it
 */
export function encodeArguments(args, handleOf, copyArrays) {
  /** @type {Callback[]} */
  const functions = [];
  let bytes = 0;
  /** @param {number} more */
  const count = (more) => {
    bytes += more;
    if (bytes <= MAX_BYTES) return;
    const message = `The arrays of one call hold ${bytes} bytes or more, the limit is ${MAX_BYTES}.`;
    throw new LoomError("limit", message, "Pass the data in parts.");
  };
  const encoded = mapPlain(args, (value, descend) => {
    if (value === null) return undefined;
    if (typeof value === "function") {
      functions.push(/** @type {Callback} */ (value));
      return { $callback: functions.length - 1 };
    }
    if (typeof value === "symbol") throw refusal("a symbol");
    if (typeof value !== "object") return descend(value);
    const handle = handleOf(value);
    if (handle !== undefined) return { $object: handle };
    if (ArrayBuffer.isView(value)) {
      count(value.byteLength);
      const array = numberArray(value);
      return copyArrays ? array.slice() : array;
    }
    if (!Array.isArray(value)) requirePlainObject(value);
    return descend(value);
  });
  return { args: /** @type {Plain[]} */ (encoded), functions };
}

/**
 * Rewrite what a function gave to Python as data that can be posted.
 *
 * @param {unknown} value
 * @returns {Plain}
 * @throws {LoomError} `call`: it cannot cross; `limit`: too much of it
 */
export function encodeAnswer(value) {
  const { args, functions } = encodeArguments([value], () => undefined, true);
  if (functions.length > 0) throw refusal("a function");
  return args[0];
}

/**
 * Put functions in the place of their markers.
 *
 * @param {Plain[]} args
 * @param {(index: number) => Callback} makeFunction
 * @returns {Plain[]}
 */
export function decodeCallbacks(args, makeFunction) {
  const decoded = mapPlain(args, (value, descend) => {
    const index = marked(value, "$callback");
    return index === undefined ? descend(value) : makeFunction(index);
  });
  return /** @type {Plain[]} */ (decoded);
}

/**
 * Read a marker.
 *
 * @param {unknown} value
 * @param {"$object" | "$callback"} key
 * @returns {number | undefined} its number, if the value is such a marker
 */
export function marked(value, key) {
  if (!isPlainObject(value) || !Object.hasOwn(value, key)) return undefined;
  const number = value[key];
  return typeof number === "number" ? number : undefined;
}

/**
 * The buffers to transfer instead of copying them, each once.
 *
 * @param {unknown} value
 * @returns {ArrayBuffer[]}
 */
export function buffersIn(value) {
  /** @type {Set<ArrayBuffer>} */
  const buffers = new Set();
  mapPlain(value, (item, descend) => {
    if (!ArrayBuffer.isView(item)) return descend(item);
    if (item.buffer instanceof ArrayBuffer) buffers.add(item.buffer);
    return item;
  });
  return [...buffers];
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isPlainObject(value) {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  // The second test is for objects of another frame, whose Object.prototype is not ours.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** @param {object} value */
function requirePlainObject(value) {
  if (!isPlainObject(value)) {
    const name = value.constructor?.name ?? "an object";
    const hint = value instanceof Promise ? "Put await before it." : "";
    throw refusal(`a ${name}`, hint);
  }
  for (const key of /** @type {const} */ (["$object", "$callback"])) {
    if (Object.hasOwn(value, key)) throw refusal(`an object with the key ${key}`);
  }
}

/**
 * @param {ArrayBufferView} view
 * @returns {Uint8Array} the same; which of the kinds it is does not matter here
 */
function numberArray(view) {
  const array = /** @type {Uint8Array} */ (view);
  const kind = array[Symbol.toStringTag] ?? "DataView";
  if (!ARRAYS.has(kind)) throw refusal(`a ${kind}`, "Make a Float32Array of it.");
  try {
    // What browsers of any age refuse to do with a buffer that was transferred.
    new Uint8Array(array.buffer);
  } catch {
    throw refusal("an array whose memory was transferred away");
  }
  return array;
}

/**
 * @param {string} what
 * @param {string} [hint]
 */
function refusal(what, hint) {
  return new LoomError("call", `An argument holds ${what}, which cannot be passed on.`, hint);
}
