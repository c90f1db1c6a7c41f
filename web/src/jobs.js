/** Drives cooperative calls in slices, so that whatever else waits gets its turn in between. */

import { LoomError } from "./errors.js";
import { withResolvers } from "./promises.js";

/** @import { Python } from "./python.js" */
/** @import { Plain } from "./plain_data.js" */
/** @import { Resolvers } from "./promises.js" */

/**
 * @typedef {object} Job
 * @property {number} number
 * @property {number} target handle of the object that is at work
 * @property {boolean} paused
 * @property {boolean} waiting for a promise of its own
 * @property {() => void} afterSlice
 * @property {(value: Plain) => void} resolve
 * @property {(reason: unknown) => void} reject
 */

/** The cooperative calls under way in one interpreter. */
export class Jobs {
  #python;
  #sliceMs;
  /** @type {Set<Job>} */
  #jobs = new Set();
  #driving = false;
  /** @type {Promise<unknown> | undefined} what no other call should come before */
  settling;
  #turns = new Turns();

  /**
   * @param {Python} python
   * @param {number} sliceMs how long a slice lasts, if its steps are short enough
   */
  constructor(python, sliceMs) {
    this.#python = python;
    this.#sliceMs = sliceMs;
  }

  /**
   * Run a job that `Python.call` has started to its end.
   *
   * @param {number} number
   * @param {number} target
   * @param {() => void} [afterSlice] is called after each slice; what it throws ends the job
   * @returns {{ job: Job, result: Promise<Plain> }} `job` is for {@link cancel}
   */
  run(number, target, afterSlice = () => {}) {
    const { promise, resolve, reject } = /** @type {Resolvers<Plain>} */ (withResolvers());
    const job = { number, target, paused: false, waiting: false, afterSlice, resolve, reject };
    this.#jobs.add(job);
    void this.#drive();
    return { job, result: promise };
  }

  /**
   * End a job now; its result rejects with `reason`. Of one that has ended nothing is changed.
   *
   * @param {Job} job
   * @param {unknown} reason
   */
  cancel(job, reason) {
    if (!this.#jobs.delete(job)) return;
    /** @type {number | undefined} */
    let settling;
    try {
      settling = this.#python.cancel(job.number);
    } finally {
      if (settling === undefined) job.reject(reason);
    }
    if (settling === undefined) return;
    const end = () => job.reject(reason);
    const settled = this.run(settling, 0).result.then(end, end);
    this.settling = settled;
    void settled.then(() => {
      if (this.settling === settled) this.settling = undefined;
    });
  }

  /**
   * Forget an object; its jobs end.
   *
   * @param {number} handle
   */
  release(handle) {
    for (const job of this.#jobs) {
      if (job.target !== handle) continue;
      this.cancel(job, new LoomError("disposed", "The object was disposed of while it was busy."));
    }
    this.#python.release(handle);
  }

  /** To be called after every other call of Python: it may have ended a pause. */
  wake() {
    for (const job of this.#jobs) job.paused = false;
    void this.#drive();
  }

  /**
   * Reject everything without asking Python, which is gone.
   *
   * @param {unknown} reason
   */
  abandon(reason) {
    for (const job of this.#jobs) job.reject(reason);
    this.#jobs.clear();
  }

  /** Go round the jobs until none is left that can go on; never rejects. */
  async #drive() {
    if (this.#driving || this.#jobs.size === 0) return;
    this.#driving = true;
    for (;;) {
      await this.#turns.next();
      const ready = [...this.#jobs].filter((job) => !job.paused && !job.waiting);
      if (ready.length === 0) break;
      for (const job of ready) {
        this.#advance(job);
        if (job !== ready.at(-1)) await this.#turns.next();
      }
    }
    this.#driving = false;
  }

  /** @param {Job} job */
  #advance(job) {
    if (!this.#jobs.has(job)) return;
    /** @type {import("./python.js").Advanced} */
    let state;
    try {
      state = this.#python.advance(job.number, this.#sliceMs);
    } catch (error) {
      this.#jobs.delete(job);
      job.reject(error);
      return;
    }
    try {
      job.afterSlice();
    } catch (error) {
      this.cancel(job, error);
      return;
    }
    if ("pending" in state) {
      job.paused = state.paused;
      if (state.wait) this.#await(job, state.wait);
    } else if (this.#jobs.delete(job)) job.resolve(state.value);
    if (!job.paused) this.#lookAgain(job);
  }

  /**
   * What one job has done may be what another is paused for: events of a training, for example.
   *
   * @param {Job} active
   */
  #lookAgain(active) {
    for (const job of this.#jobs) if (job !== active) job.paused = false;
  }

  /**
   * Leave a job alone until what it waits for is there.
   *
   * @param {Job} job
   * @param {Promise<unknown>} wait
   */
  #await(job, wait) {
    job.waiting = true;
    void wait.then(() => {
      job.waiting = false;
      void this.#drive();
    });
  }
}

/**
 * Turns of the event loop. Messages are used because timers are held back to one a second, or less,
 * in a tab that is not shown.
 */
class Turns {
  #channel = new MessageChannel();

  /** @returns {Promise<void>} resolves when what was waiting before has had its turn */
  next() {
    return new Promise((resolve) => {
      this.#channel.port1.onmessage = () => resolve();
      this.#channel.port2.postMessage(null);
    });
  }
}
