/**
 * A run of a network without Python: its call sheet says which kernels to call with what, and where
 * input and output lie in the interpreter's memory. `SimdProgram.call_sheet` in Python writes it.
 */

import { holdsNumbers } from "./plain_data.js";

/** @import { Plain } from "./plain_data.js" */

/** @typedef {number[] | Exclude<ArrayBufferView, DataView> & ArrayLike<number>} Numbers */
/**
 * What the sheets' addresses mean something to.
 *
 * @typedef {{ HEAPU32: Uint32Array, HEAPF32: Float32Array, wasmTable: WebAssembly.Table }} Machine
 */

const WORDS = 8;

/**
 * @param {Plain} value
 * @returns {Numbers | undefined} the value, if it is a flat array that holds numbers only
 */
export function asNumbers(value) {
  if (value instanceof Float32Array) return value;
  if (Array.isArray(value)) return holdsNumbers(value) ? value : undefined;
  if (!ArrayBuffer.isView(value)) return undefined;
  const array = /** @type {Numbers} */ (/** @type {unknown} */ (value));
  return typeof array[0] === "number" ? array : undefined; // not those of bigints
}

/**
 * @param {Machine} machine
 * @param {number} sheet its address
 * @param {Numbers} input as many as the sheet was made for
 * @returns {Float32Array} with memory of its own
 * @throws {Error} a record names no kernel
 */
export function runSheet(machine, sheet, input) {
  // Looked up each time: memory that has grown has new views.
  const { HEAPU32, HEAPF32, wasmTable } = machine;
  const at = sheet >>> 2;
  const [source, , target, floats, run, records, words, scratch] = HEAPU32.subarray(at, at + WORDS);
  HEAPF32.set(input, source >>> 2);
  const stoppedAt = wasmTable.get(run)(records, words, scratch);
  if (stoppedAt >= 0) throw new Error(`the record at word ${stoppedAt} names no kernel`);
  return HEAPF32.slice(target >>> 2, (target >>> 2) + floats);
}
