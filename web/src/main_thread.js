/** A session on the page's own thread: the same calls as a worker's, answered at once. */

import { Api } from "./api.js";
import { boot } from "./boot.js";
import { Jobs } from "./jobs.js";
import { LoomError } from "./errors.js";
import { encodeAnswer } from "./plain_data.js";
import { abortable, withResolvers } from "./promises.js";

/** @import { LoomOnMainThread } from "./generated/api.js" */
/** @import { Encoded, Plain } from "./plain_data.js" */
/** @import { Resolvers } from "./promises.js" */
/** @import { Progress } from "./protocol.js" */
/** @import { Python } from "./python.js" */

/** A slice and what the page does between two of them fit into one frame of a 60 Hz display. */
const SLICE_MS = 12;

/**
 * Start Python on this thread.
 *
 * @param {string} assetBase
 * @param {(progress: Progress) => void} onProgress what it throws ends the start-up
 * @param {AbortSignal} [signal] ends the downloads; a start of Python under way is abandoned
 * @returns {Promise<LoomOnMainThread>}
 */
export async function startOnMainThread(assetBase, onProgress, signal) {
  /** @type {Resolvers<Python>} */
  const { promise, resolve, reject } = withResolvers();
  boot(assetBase, onProgress, signal).then(resolve, reject);
  const engine = new MainThread(await abortable(promise, signal, reject));
  return /** @type {LoomOnMainThread} */ (new Api(engine, assetBase).loom);
}

/** Python on this thread. */
export class MainThread {
  asynchronous = false;
  #python;
  #jobs;
  /** @type {{ reason: unknown } | undefined} why nothing can be asked any more */
  #closed;

  /** @param {Python} python */
  constructor(python) {
    this.#python = python;
    python.answerAtOnce();
    this.#jobs = new Jobs(python, SLICE_MS);
  }

  /**
   * @param {number} target
   * @param {string} name
   * @param {Encoded} encoded
   * @param {AbortSignal} [signal]
   * @returns {Plain | Promise<Plain>} a promise if the call is a cooperative one
   */
  call(target, name, { args, functions }, signal) {
    signal?.throwIfAborted();
    /** @type {(() => void)[]} */
    const events = [];
    // The caller's functions run when Python does not, as they do with a worker: they may call
    // anything, and what they throw does not go through Python.
    const deliver = () => {
      for (const event of events.splice(0)) event();
    };
    /** @type {(error: unknown) => void} */
    let end = () => {};
    const reply = this.#ask(() =>
      this.#python.call(
        target,
        name,
        args,
        (index, values) => events.push(() => functions[index](...values)),
        (index, values) =>
          new Promise((resolve) => {
            const question = async () => resolve(encodeAnswer(await functions[index](...values)));
            events.push(() => void question().catch((error) => end(error)));
          }),
      ),
    );
    this.#jobs.wake();
    if ("value" in reply) {
      deliver();
      return reply.value;
    }
    const { job, result } = this.#jobs.run(reply.job, target, deliver);
    end = (error) => this.#jobs.cancel(job, error);
    result.catch((error) => this.#failIfDead(error));
    return abortable(result, signal, (reason) => this.#jobs.cancel(job, reason));
  }

  /** @param {number} handle */
  release(handle) {
    if (!this.#closed) this.#ask(() => this.#jobs.release(handle));
  }

  memory() {
    return this.#ask(() => this.#python.memory());
  }

  /**
   * Let go of Python; all that is pending, and all that is asked later, fails.
   *
   * @param {unknown} reason
   */
  close(reason) {
    if (this.#closed) return;
    this.#fail(reason);
    this.#python.close();
  }

  /** @param {unknown} reason */
  #fail(reason) {
    this.#closed = { reason };
    this.#jobs.abandon(reason);
  }

  /**
   * @template T
   * @param {() => T} question
   * @returns {T}
   */
  #ask(question) {
    if (this.#closed) throw this.#closed.reason;
    try {
      return question();
    } catch (error) {
      this.#failIfDead(error);
      throw error;
    }
  }

  /** @param {unknown} error */
  #failIfDead(error) {
    if (error instanceof LoomError && error.code === "worker_failed") this.#fail(error);
  }
}
