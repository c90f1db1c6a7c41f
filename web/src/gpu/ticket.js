/** Work that takes time, in a form that Python can wait for without an exception crossing over. */

import { LoomError } from "../errors.js";

/**
 * What became of a promise.
 *
 * @template T
 */
export class Ticket {
  /** @type {T | null} null until it is there */
  value = null;
  error = "";
  hint = "";
  /** Resolves when the work has ended, well or badly; never rejects. */
  promise;
  #discard;
  #closed = false;

  /**
   * @param {Promise<T>} work
   * @param {() => void} [discard] lets go of what the work needed; called once
   */
  constructor(work, discard = () => {}) {
    this.#discard = discard;
    this.promise = work.then(
      (value) => {
        this.value = value;
      },
      (error) => {
        this.error = String(error?.message || error) || "unknown error";
        this.hint = error instanceof LoomError ? error.hint : "";
      },
    );
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    void this.promise.then(this.#discard);
  }
}
