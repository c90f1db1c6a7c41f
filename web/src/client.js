/** The page's end of a session in a worker. */

import { Api } from "./api.js";
import { moduleFailure } from "./assets.js";
import { LoomError, deadSession } from "./errors.js";
import { buffersIn, encodeAnswer, mapPlain, marked } from "./plain_data.js";
import { abortable, withResolvers } from "./promises.js";
import { unreachable } from "./protocol.js";

/** @import { Callback, Encoded, Plain } from "./plain_data.js" */
/** @import { Resolvers } from "./promises.js" */
/** @import { Progress, Question, ToPage, ToWorker } from "./protocol.js" */
/** @import { Loom, Memory } from "./generated/api.js" */

/** @typedef {Resolvers<Plain | Memory> & { functions: Callback[] }} Pending */

/**
 * Start a worker with Python in it.
 *
 * @param {string} assetBase
 * @param {(progress: Progress) => void} onProgress what it throws ends the start-up
 * @param {AbortSignal} [signal] ends the start-up
 * @returns {Promise<Loom>}
 */
export async function startInWorker(assetBase, onProgress, signal) {
  /** @type {Client} */
  let client;
  try {
    client = new Client(assetBase, onProgress);
  } catch (cause) {
    throw deadSession(`The browser refused to start a worker: ${cause}`, cause);
  }
  await abortable(client.ready, signal, (reason) => client.close(reason));
  return /** @type {Loom} */ (new Api(client, assetBase).loom);
}

/** A worker, and the requests that it has not answered yet. */
export class Client {
  asynchronous = true;
  #assetBase;
  #onProgress;
  #worker;
  #loaded = false;
  /** @type {Resolvers<void>} */
  #ready = withResolvers();
  /** @type {Map<number, Pending>} */
  #pending = new Map();
  #lastId = 0;
  /** @type {{ reason: unknown } | undefined} why nothing can be asked any more */
  #closed;

  /**
   * @param {string} assetBase
   * @param {(progress: Progress) => void} onProgress
   */
  constructor(assetBase, onProgress) {
    this.#assetBase = assetBase;
    this.#onProgress = onProgress;
    this.#worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onmessageerror = () => this.close(deadSession("A message could not be read."));
    this.#worker.onerror = (event) => {
      event.preventDefault();
      void this.#died(event.message);
    };
    this.#post({ kind: "boot", assetBase });
  }

  /** Resolves when Python is up. */
  get ready() {
    return this.#ready.promise;
  }

  /**
   * @param {number} target
   * @param {string} name
   * @param {Encoded} encoded
   * @param {AbortSignal} [signal]
   * @returns {Promise<Plain>}
   */
  async call(target, name, { args, functions }, signal) {
    signal?.throwIfAborted();
    const { id, promise } = this.#request(functions);
    try {
      const message = { kind: "call", id, target, name, args, callbacks: functions.length };
      this.#worker.postMessage(/** @type {ToWorker} */ (message), buffersIn(args));
    } catch (cause) {
      this.#pending.delete(id);
      throw new LoomError("call", `The arguments of ${name} cannot be sent: ${cause}`, "", {
        cause,
      });
    }
    const value = await abortable(promise, signal, (reason) => this.#cancel(id, reason));
    return /** @type {Plain} */ (value);
  }

  /** @param {number} handle */
  release(handle) {
    if (!this.#closed) this.#post({ kind: "release", handle });
  }

  /** @returns {Promise<Memory>} */
  async memory() {
    const { id, promise } = this.#request([]);
    this.#post({ kind: "memory", id });
    return /** @type {Promise<Memory>} */ (promise);
  }

  /**
   * End the worker; all that is pending, and all that is asked later, rejects.
   *
   * @param {unknown} reason
   */
  close(reason) {
    if (this.#closed) return;
    this.#closed = { reason };
    this.#worker.terminate();
    this.#ready.reject(reason);
    for (const { reject } of this.#pending.values()) reject(reason);
    this.#pending.clear();
  }

  /** @param {Callback[]} functions */
  #request(functions) {
    if (this.#closed) throw this.#closed.reason;
    const id = ++this.#lastId;
    /** @type {Resolvers<Plain | Memory>} */
    const resolvers = withResolvers();
    this.#pending.set(id, { ...resolvers, functions });
    return { id, promise: resolvers.promise };
  }

  /**
   * Reject a request at once and tell the worker, whose answer will then be ignored.
   *
   * @param {number} id
   * @param {unknown} reason
   */
  #cancel(id, reason) {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    pending.reject(reason);
    this.#post({ kind: "cancel", id });
  }

  /** @param {ToWorker} message */
  #post(message) {
    this.#worker.postMessage(message);
  }

  /** @param {ToPage} message */
  #receive(message) {
    switch (message.kind) {
      case "loaded":
        this.#loaded = true;
        return;
      case "progress":
        try {
          this.#onProgress(message.progress);
        } catch (error) {
          this.close(error);
        }
        return;
      case "ready":
        return this.#ready.resolve();
      case "failed":
        return this.close(LoomError.from(message.error));
      case "event": {
        const { id, callback, args } = message;
        try {
          this.#pending.get(id)?.functions[callback]?.(...args);
        } catch (error) {
          this.#cancel(id, error);
        }
        return;
      }
      case "question":
        return void this.#answer(message);
      case "result":
        return this.#settle(message.id, ({ resolve }) => resolve(message.value), message.value);
      case "error":
        return this.#settle(message.id, ({ reject }) => reject(LoomError.from(message.error)));
      default:
        unreachable(message);
    }
  }

  /**
   * Run a function that Python waits for; what it throws ends the call.
   *
   * @param {Question} message
   */
  async #answer({ id, question, callback, args }) {
    try {
      const given = await this.#pending.get(id)?.functions[callback]?.(...args);
      const value = encodeAnswer(given);
      if (this.#closed) return;
      /** @type {ToWorker} */
      const message = { kind: "answer", question, value };
      this.#worker.postMessage(message, buffersIn(value));
    } catch (error) {
      this.#cancel(id, error);
    }
  }

  /**
   * @param {number} id
   * @param {(pending: Pending) => void} answer
   * @param {unknown} [value] is disposed of, if the request was cancelled
   */
  #settle(id, answer, value) {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (pending) return answer(pending);
    mapPlain(value, (item, descend) => {
      const handle = marked(item, "$object");
      if (handle !== undefined) this.release(handle);
      return descend(item);
    });
  }

  /**
   * The worker threw, or its modules could not be loaded, of which the browser does not say more.
   *
   * @param {string | undefined} message
   */
  async #died(message) {
    if (this.#loaded) return this.close(deadSession(`The worker failed: ${message}`));
    this.close(await moduleFailure(this.#assetBase, message ?? "the worker failed"));
  }
}
