/** The files that start-up needs: listed by the manifest, downloaded at once, checked, handed over. */

import { LoomError, asLoomError, deadSession } from "./errors.js";
import { version } from "./generated/version.js";

/** @typedef {{ bytes: number, sha256: string }} FileEntry */
/** @typedef {Map<string, FileEntry>} Manifest by path below the folder of the manifest */

/** @typedef {(input: RequestInfo | URL, init?: RequestInit) => Promise<Response>} Fetch */

const MANIFEST = "manifest.json";

/** More than any file of the site: what a manifest claims is checked before memory is taken. */
const MAX_FILE_BYTES = 2 ** 28;

/**
 * @param {string} assetBase URL of the folder that holds manifest.json, ending in "/"
 * @param {AbortSignal} [signal]
 * @returns {Promise<Manifest>}
 * @throws {LoomError} `asset_missing` or `asset_corrupt`, naming the file
 */
export async function loadManifest(assetBase, signal) {
  const response = await request(MANIFEST, new URL(MANIFEST, assetBase), { signal });
  /** @type {unknown} */
  let json;
  try {
    json = await response.json();
  } catch (cause) {
    throw corrupt(MANIFEST, "it is not JSON", cause);
  }
  const { version: release, files } = /** @type {Record<string, unknown>} */ (Object(json));
  if (typeof release !== "string" || typeof files !== "object" || files === null) {
    throw corrupt(MANIFEST, "it does not list the files of the site");
  }
  if (release !== version) {
    throw corrupt(MANIFEST, `it is of release ${release}, and this script of ${version}`);
  }
  return new Map(Object.entries(files).map(checkedEntry));
}

/**
 * Find out why our own modules could not be loaded, of which browsers tell no more than that.
 *
 * @param {string} assetBase
 * @param {string} message what is known
 * @returns {Promise<LoomError>} names the file, if it is one
 */
export async function moduleFailure(assetBase, message) {
  try {
    const manifest = await loadManifest(assetBase);
    // They lie where this one does, which need not be below assetBase.
    const base = new URL("../", import.meta.url).href;
    await new Downloads(base, manifest, /^loom\/.*\.js$/).complete;
  } catch (error) {
    return asLoomError(error);
  }
  return deadSession(`Loom could not be started: ${message}`);
}

/** Downloads under way, and what has come of them. */
export class Downloads {
  /** @type {Map<string, Promise<Uint8Array<ArrayBuffer>>>} by URL */
  #files = new Map();
  #signal;
  #onBytes;
  /** The one that was there before serveByFetch put its own in front. */
  #fetch = globalThis.fetch.bind(globalThis);
  totalBytes = 0;
  loadedBytes = 0;
  /** Settles when all files are here and found right, or the first is not. */
  complete;

  /**
   * @param {string} assetBase
   * @param {Manifest} manifest
   * @param {RegExp} wanted which of the manifest's files
   * @param {{ signal?: AbortSignal, onBytes?: () => void }} [options] onBytes is told of each chunk
   */
  constructor(assetBase, manifest, wanted, { signal, onBytes } = {}) {
    this.#signal = signal;
    this.#onBytes = onBytes ?? (() => {});
    for (const [name, entry] of manifest) {
      if (!wanted.test(name)) continue;
      this.totalBytes += entry.bytes;
      const url = new URL(name, assetBase);
      this.#files.set(url.href, this.#load(name, url, entry));
    }
    this.complete = Promise.all(this.#files.values()).then(() => undefined);
    // It is awaited later; until then a failure is no unhandled one.
    this.complete.catch(() => {});
  }

  /**
   * @param {URL} url
   * @returns {Promise<Uint8Array> | undefined} undefined if it is none of the files
   */
  file(url) {
    return this.#files.get(url.href);
  }

  /**
   * Let `fetch` answer from these downloads, and pass all other requests on.
   *
   * @returns {() => void} puts things back and lets go of the bytes
   */
  serveByFetch() {
    const original = globalThis.fetch;
    /** @type {Fetch} */
    const serve = async (input, init) => {
      const url = input instanceof Request ? input.url : new URL(input, location.href).href;
      const file = this.#files.get(url);
      if (!file) return this.#fetch(input, init);
      const type = url.endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
      // A file that fails ends the start-up by `complete`; its reader would only add to the errors.
      const bytes = await file.catch(() => new Promise(() => {}));
      return new Response(bytes, { headers: { "Content-Type": type } });
    };
    globalThis.fetch = serve;
    return () => {
      this.#files.clear();
      // If another session has put its own in front meanwhile, ours stays and only passes on.
      if (globalThis.fetch === serve) globalThis.fetch = original;
    };
  }

  /**
   * @param {string} name
   * @param {URL} url
   * @param {FileEntry} entry
   */
  async #load(name, url, entry) {
    let counted = 0;
    /** @param {number} received */
    const count = (received) => {
      // A second attempt starts at 0, and the sum must not go back.
      this.loadedBytes += Math.max(0, received - counted);
      counted = Math.max(counted, received);
      this.#onBytes();
    };
    /** @param {RequestCache} cache */
    const attempt = async (cache) => {
      const response = await request(name, url, { signal: this.#signal, cache }, this.#fetch);
      return readChecked(name, url, entry, response, this.#signal, count);
    };
    try {
      return await attempt("default");
    } catch (error) {
      if (!(error instanceof LoomError) || error.code !== "asset_corrupt") throw error;
      // The browser may have kept the file of an earlier release: ask the server itself, once.
      return attempt("reload");
    }
  }
}

/**
 * @param {string} name
 * @param {URL} url
 * @param {FileEntry} entry
 * @param {Response} response
 * @param {AbortSignal | undefined} signal
 * @param {(received: number) => void} onReceived
 */
async function readChecked(name, url, entry, response, signal, onReceived) {
  const bytes = new Uint8Array(entry.bytes);
  let received = 0;
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  for (;;) {
    const { done, value } = await reader.read().catch((cause) => {
      signal?.throwIfAborted();
      throw missing(name, url, "the connection broke off", cause);
    });
    if (done) break;
    if (received + value.length > bytes.length) {
      await reader.cancel();
      throw corrupt(name, `it is larger than ${bytes.length} bytes`);
    }
    bytes.set(value, received);
    onReceived((received += value.length));
  }
  if (received !== bytes.length) {
    throw corrupt(name, `it has ${received} bytes instead of ${bytes.length}`);
  }
  // Browsers offer it in secure contexts only; elsewhere the size has to do.
  if (crypto.subtle && (await sha256(bytes)) !== entry.sha256) {
    throw corrupt(name, "its SHA-256 is not the one in the manifest");
  }
  return bytes;
}

/**
 * @param {string} name
 * @param {URL} url
 * @param {RequestInit} init
 * @param {Fetch} [fetcher]
 */
async function request(name, url, init, fetcher = fetch) {
  /** @type {Response} */
  let response;
  try {
    response = await fetcher(url, init);
  } catch (cause) {
    init.signal?.throwIfAborted();
    throw missing(name, url, "the server did not answer", cause);
  }
  if (!response.ok) throw missing(name, url, `the server answered ${response.status}`);
  return response;
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {[string, unknown]} item
 * @returns {[string, FileEntry]}
 */
function checkedEntry([name, entry]) {
  const { bytes, sha256 } = /** @type {Record<string, unknown>} */ (Object(entry));
  const sized = Number.isSafeInteger(bytes) && Number(bytes) >= 0 && Number(bytes) < MAX_FILE_BYTES;
  if (!sized || typeof sha256 !== "string") {
    throw corrupt(MANIFEST, `its entry for ${name} has no proper size and SHA-256`);
  }
  return [name, { bytes: Number(bytes), sha256 }];
}

/**
 * @param {string} name
 * @param {URL} url
 * @param {string} reason
 * @param {unknown} [cause]
 */
export function missing(name, url, reason, cause) {
  return new LoomError(
    "asset_missing",
    `The file ${name} could not be loaded from ${url.href}: ${reason}.`,
    "Check that the folder of the site is complete and that assetBase names it.",
    { cause },
  );
}

/**
 * @param {string} name
 * @param {string} reason
 * @param {unknown} [cause]
 */
export function corrupt(name, reason, cause) {
  return new LoomError(
    "asset_corrupt",
    `The file ${name} is not the one of this release: ${reason}.`,
    "Reload the page; if that does not help, the site was not copied as a whole.",
    { cause },
  );
}
