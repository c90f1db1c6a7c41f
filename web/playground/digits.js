/**
 * The handwritten digits: load, check, split, and hand out as numbers without holding up the page.
 *
 * File, inside a gzip stream: "LDIG", then uint32 little-endian count, rows and columns, then one
 * label byte a digit, then the grey values (0 to 255), row by row.
 */

import { PageError } from "./errors.js";
import { nextTask } from "./next_task.js";
import { CLASS_COUNT, DIGIT_SIZE, INPUT_SIZE } from "./presets.js";

/** The last digits of the file are never trained on: they measure what was learnt. */
export const HELD_OUT_COUNT = 2000;

const MAGIC = "LDIG";
const HEADER_BYTES = 16;
/** More digits than this is not the file that the build made; checked before anything is stored. */
const MAX_COUNT = 100_000;
/** Digits converted before the page gets a turn: well under a frame, even on a slow phone. */
const CHUNK_DIGITS = 250;
/** Packed bytes unpacked before the page gets a turn. */
const CHUNK_BYTES = 32_768;
const MAX_GREY = 255;

/**
 * @typedef {object} DigitSet
 * @property {Float32Array} inputs count x 784 grey values, 0 (paper) to 1 (ink)
 * @property {Uint8Array} labels which digit each one is
 */

/**
 * @param {string | URL} url address of the file
 * @returns {Promise<Digits>}
 * @throws {PageError} when the file is missing or is not a digits file
 */
export async function loadDigits(url) {
  const response = await fetch(url);
  if (!response.ok || !response.body) {
    throw new PageError(
      `The digits could not be loaded: ${url} answered ${response.status}.`,
      "Check that the folder of this site is complete, then try again.",
    );
  }
  try {
    return parseDigits(await unpack(response.body, HEADER_BYTES + MAX_COUNT * (1 + INPUT_SIZE)));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // TypeError: not gzip, or cut short
    throw notDigits("it is damaged", { cause: error });
  }
}

/**
 * @param {Uint8Array} bytes a whole file, unpacked
 * @returns {Digits}
 * @throws {PageError} when it is not a digits file
 */
export function parseDigits(bytes) {
  if (bytes.length < HEADER_BYTES) throw notDigits(`it holds ${bytes.length} bytes`);
  const magic = String.fromCharCode(...bytes.subarray(0, MAGIC.length));
  if (magic !== MAGIC) throw notDigits("it does not begin with LDIG");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(4, true);
  const rows = view.getUint32(8, true);
  const columns = view.getUint32(12, true);
  if (rows !== DIGIT_SIZE || columns !== DIGIT_SIZE)
    throw notDigits(`digits are ${rows}x${columns}`);
  if (count <= HELD_OUT_COUNT || count > MAX_COUNT) throw notDigits(`it claims ${count} digits`);
  const pixelStart = HEADER_BYTES + count;
  if (bytes.length !== pixelStart + count * INPUT_SIZE) throw notDigits("its length is wrong");
  const labels = bytes.subarray(HEADER_BYTES, pixelStart);
  if (labels.some((label) => label >= CLASS_COUNT)) throw notDigits("a label is not 0 to 9");
  return new Digits(labels, bytes.subarray(pixelStart));
}

/** All digits of a file; the last HELD_OUT_COUNT of them are held out. */
export class Digits {
  #labels;
  #pixels;
  /** @type {Map<string, Promise<DigitSet>>} */
  #converted = new Map();

  /**
   * @param {Uint8Array} labels
   * @param {Uint8Array} pixels
   */
  constructor(labels, pixels) {
    this.#labels = labels;
    this.#pixels = pixels;
  }

  /** How many digits there are to learn from. */
  get trainingCount() {
    return this.#labels.length - HELD_OUT_COUNT;
  }

  /**
   * @param {number} count how many digits, at most trainingCount
   * @returns {Promise<DigitSet>} the first digits of the file
   */
  trainingSet(count) {
    return this.#range(0, Math.min(count, this.trainingCount));
  }

  /** @returns {Promise<DigitSet>} the digits that are never trained on */
  heldOutSet() {
    return this.#range(this.trainingCount, this.#labels.length);
  }

  /**
   * @param {number} index 0 to HELD_OUT_COUNT - 1
   * @returns {{input: Float32Array, label: number}} one held-out digit
   */
  heldOutDigit(index) {
    const at = this.trainingCount + index;
    const input = new Float32Array(INPUT_SIZE);
    convert(this.#pixels.subarray(at * INPUT_SIZE, (at + 1) * INPUT_SIZE), input, 0);
    return { input, label: this.#labels[at] ?? 0 };
  }

  /**
   * @param {number} start
   * @param {number} end
   */
  #range(start, end) {
    const key = `${start}-${end}`;
    const known = this.#converted.get(key);
    if (known) return known;
    // One training set at a time is kept: a set of 8 000 digits takes 25 MB.
    if (start === 0)
      for (const old of this.#converted.keys())
        if (old.startsWith("0-")) this.#converted.delete(old);
    const set = this.#convertRange(start, end);
    this.#converted.set(key, set);
    return set;
  }

  /**
   * @param {number} start
   * @param {number} end
   * @returns {Promise<DigitSet>}
   */
  async #convertRange(start, end) {
    const inputs = new Float32Array((end - start) * INPUT_SIZE);
    for (let at = start; at < end; at += CHUNK_DIGITS) {
      const stop = Math.min(at + CHUNK_DIGITS, end);
      const chunk = this.#pixels.subarray(at * INPUT_SIZE, stop * INPUT_SIZE);
      convert(chunk, inputs, (at - start) * INPUT_SIZE);
      await nextTask();
    }
    return { inputs, labels: this.#labels.slice(start, end) };
  }
}

/**
 * @param {Uint8Array} greys
 * @param {Float32Array} out
 * @param {number} offset where in `out` to begin
 */
function convert(greys, out, offset) {
  let at = offset;
  for (const grey of greys) out[at++] = grey / MAX_GREY;
}

/**
 * Undo gzip, piece by piece: a pipe would unpack all that has arrived in one long task.
 *
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} packed
 * @param {number} maxBytes more than this is refused while reading, not after
 */
async function unpack(packed, maxBytes) {
  const { readable, writable } = new DecompressionStream("gzip");
  const [bytes] = await Promise.all([readCapped(readable, maxBytes), feed(packed, writable)]);
  return bytes;
}

/**
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} packed
 * @param {WritableStream<BufferSource>} writable
 */
async function feed(packed, writable) {
  const writer = writable.getWriter();
  const reader = packed.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return writer.close();
    for (let at = 0; at < value.length; at += CHUNK_BYTES) {
      await writer.write(value.subarray(at, at + CHUNK_BYTES));
      await nextTask();
    }
  }
}

/**
 * @param {ReadableStream<Uint8Array>} stream
 * @param {number} maxBytes
 */
async function readCapped(stream, maxBytes) {
  const reader = stream.getReader();
  /** @type {Uint8Array[]} */
  const chunks = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > maxBytes) throw notDigits("it is far too large");
    chunks.push(value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/**
 * @param {string} why
 * @param {ErrorOptions} [options]
 */
function notDigits(why, options) {
  return new PageError(
    `The digits file cannot be used: ${why}.`,
    "Build the site again, or load the page again if the download was cut short.",
    options,
  );
}
