/**
 * Python in this thread: starts Pyodide, opens the bridge and converts what crosses.
 *
 * The only file that touches a PyProxy. Each has its owner here and is destroyed before a method
 * returns; only the bridge's own methods are kept.
 */

import { asNumbers, runSheet } from "./call_sheet.js";
import { LoomError, deadSession } from "./errors.js";
import { eventPost } from "./event_post.js";
import { Gpu } from "./gpu/device.js";
import { Ticket } from "./gpu/ticket.js";
import { decodeCallbacks, mapPlain } from "./plain_data.js";

/** @import { Machine, Numbers } from "./call_sheet.js" */
/** @import { PlainError } from "./errors.js" */
/** @import { Memory } from "./generated/api.js" */
/** @import { Plain } from "./plain_data.js" */
/**
 * Pyodide with its inner parts that report memory and run call sheets.
 *
 * @typedef {import("pyodide").PyodideInterface & {
 *   _module: Machine & {
 *     HEAPU8: Uint8Array, _sbrk(bytes: number): number, hiwire: { num_keys(): number } } }} Pyodide
 */
/** @typedef {import("pyodide/ffi").PyProxy} PyProxy */
/** @typedef {import("pyodide/ffi").PyCallable} PyCallable */

/** @typedef {{ value: Plain } | { job: number }} Started */
/**
 * @typedef {{ value: Plain } | { pending: true, paused: boolean, wait?: Promise<unknown> }} Advanced
 *   `wait` never rejects, and has to settle before the job is advanced again
 */
/** @typedef {(index: number, args: Plain[]) => void} OnCallback */
/** @typedef {(index: number, args: Plain[]) => Promise<Plain>} OnQuestion */

const METHODS = /** @type {const} */ ([
  ...["call", "prepare_forward", "advance", "cancel", "release"],
  ...["answer_at_once", "live_handles", "live_jobs"],
]);

/** The one method that is called so often, for so little, that the way through Python counts. */
const FORWARD = "ForwardCPU";

/** @type {Parameters<PyProxy["toJs"]>[0]} */
const TO_JS = { create_pyproxies: false, dict_converter: Object.fromEntries };

/**
 * Start the interpreter with loom_core in it.
 *
 * @param {string} indexURL URL of the folder with Pyodide and the wheels, ending in "/"
 * @returns {Promise<Pyodide>}
 */
export async function startPyodide(indexURL) {
  // Bundlers that read this are to leave the address alone.
  /** @type {typeof import("pyodide")} */
  const { loadPyodide } = await import(
    /* @vite-ignore */ /* webpackIgnore: true */ `${indexURL}pyodide.mjs`
  );
  const pyodide = await loadPyodide({ indexURL, packages: ["loom_core"] });
  const started = /** @type {Pyodide} */ (pyodide);
  // By the names under which loom_core looks for what a browser can do.
  started.registerJsModule("loom_gpu", new Gpu(() => started._module.HEAPU8));
  started.registerJsModule("loom_http", eventPost);
  return started;
}

/** The calls of `loom_core.bridge.Bridge`, with plain data in and out. */
export class Python {
  #pyodide;
  /** @type {Record<string, PyCallable>} */
  #methods = Object.create(null);
  /** @type {{ target: number, length: number, sheet: number } | undefined} */
  #prepared;
  #openProxies = 0;
  #referencesAtStart = 0;

  /** @param {Pyodide} pyodide from {@link startPyodide} */
  constructor(pyodide) {
    this.#pyodide = pyodide;
    const module = pyodide.pyimport("loom_core.bridge");
    const bridge = module.Bridge();
    // A copy, because an attribute's proxy dies with that of its object.
    for (const name of METHODS) this.#methods[name] = bridge[name].copy();
    bridge.destroy();
    module.destroy();
    this.#referencesAtStart = this.#references();
  }

  /**
   * Call a public function or method.
   *
   * @param {number} target 0, or the handle of an object
   * @param {string} name
   * @param {Plain[]} args a function is `{ $callback: index }`
   * @param {OnCallback} onCallback is told of each call of a function, from inside Python
   * @param {OnQuestion} onQuestion likewise, where Python waits for what the function gives
   * @returns {Started}
   * @throws {LoomError} what Python raised
   */
  call(target, name, args, onCallback, onQuestion) {
    if (name === FORWARD && args.length === 1) {
      const input = asNumbers(args[0]);
      const value = input && this.#forward(target, input);
      if (value) return { value };
    }
    // Python destroys its proxies itself when one of these returns.
    const decoded = decodeCallbacks(args, (index) => {
      /** @param {Plain[]} values */
      const tell = (...values) => onCallback(index, values.map(toPlain));
      /** @param {Plain[]} values */
      const ask = (...values) => new Ticket(onQuestion(index, values.map(toPlain)));
      return Object.assign(tell, { ask });
    });
    const list = this.#open(this.#pyodide.toPy(decoded));
    try {
      return /** @type {Started} */ (this.#reply("call", target, name, list));
    } finally {
      this.#close(list);
    }
  }

  /**
   * Run a network forward without Python, after asking it how.
   *
   * What Python said holds until it runs again: nothing else can move or free what lies at the
   * addresses of the sheet, or set another layer, backend or program.
   *
   * @param {number} target
   * @param {Numbers} input
   * @returns {Float32Array | undefined} undefined where only the call itself will do
   */
  #forward(target, input) {
    const { length } = input;
    if (this.#prepared?.target !== target || this.#prepared.length !== length) {
      const sheet = Number(this.#run("prepare_forward", target, length));
      this.#prepared = { target, length, sheet };
    }
    const { sheet } = this.#prepared;
    if (sheet === 0) return undefined;
    try {
      return runSheet(this.#pyodide._module, sheet, input);
    } catch (error) {
      throw deadSession(`The kernels failed: ${summary(error)}`, error);
    }
  }

  /** Let what is no cooperative call never give a job: it fails where it would have to wait. */
  answerAtOnce() {
    this.#run("answer_at_once");
  }

  /**
   * Go on with a cooperative call.
   *
   * @param {number} job
   * @param {number} budgetMs about how long; one step is the least
   * @returns {Advanced}
   * @throws {LoomError} what Python raised; the job has ended
   */
  advance(job, budgetMs) {
    return /** @type {Advanced} */ (this.#reply("advance", job, budgetMs));
  }

  /**
   * @param {number} job
   * @returns {number | undefined} a job that brings its results back from the GPU, if there are any
   */
  cancel(job) {
    const reply = /** @type {Started} */ (this.#reply("cancel", job));
    return "job" in reply ? reply.job : undefined;
  }

  /** @param {number} handle */
  release(handle) {
    this.#run("release", handle);
  }

  /** @returns {Memory} */
  memory() {
    return {
      wasmBytes: this.#pyodide._module.HEAPU8.length,
      heapBytes: this.#pyodide._module._sbrk(0),
      liveHandles: Number(this.#run("live_handles")),
      liveJobs: Number(this.#run("live_jobs")),
      liveProxies: this.#openProxies + this.#references() - this.#referencesAtStart,
    };
  }

  /** Let go of the bridge and of all that it holds. */
  close() {
    this.#prepared = undefined;
    for (const name of METHODS) this.#methods[name].destroy();
  }

  /**
   * @param {string} method
   * @param {...unknown} args
   */
  #reply(method, ...args) {
    const reply = /** @type {{ error?: PlainError }} */ (this.#run(method, ...args));
    if (reply.error) throw LoomError.from(reply.error);
    return reply;
  }

  /**
   * @param {string} method
   * @param {...unknown} args
   * @returns {Plain}
   */
  #run(method, ...args) {
    this.#prepared = undefined;
    /** @type {unknown} */
    let result;
    try {
      result = this.#methods[method](...args);
    } catch (error) {
      // The bridge turns every exception into data, so the interpreter itself has failed.
      throw deadSession(`Python failed in ${method}: ${summary(error)}`, error);
    }
    if (!(result instanceof this.#pyodide.ffi.PyProxy)) return toPlain(result);
    this.#open(result);
    try {
      return toPlain(result);
    } catch (cause) {
      const message = `What ${method} returned cannot be passed on: ${summary(cause)}`;
      throw new LoomError("internal", message, "Please report it.", { cause });
    } finally {
      this.#close(result);
    }
  }

  /**
   * @template {PyProxy} P
   * @param {P} proxy
   */
  #open(proxy) {
    this.#openProxies++;
    return proxy;
  }

  /** @param {PyProxy} proxy */
  #close(proxy) {
    proxy.destroy();
    this.#openProxies--;
  }

  /** @returns {number} how many JavaScript values Python holds on to */
  #references() {
    return this.#pyodide._module.hiwire.num_keys();
  }
}

/**
 * Convert what came from Python; arrays get memory of their own, and None inside is null.
 *
 * @param {unknown} value
 * @returns {Plain}
 */
function toPlain(value) {
  const isProxy = typeof value === "object" && value !== null && "toJs" in value;
  const plain = isProxy ? /** @type {PyProxy} */ (value).toJs(TO_JS) : value;
  return mapPlain(plain, (item, descend) => (item === undefined ? null : descend(item)));
}

/**
 * The line that matters: a traceback ends with it, other messages begin with it.
 *
 * @param {unknown} error
 */
function summary(error) {
  const lines = String(error).trim().split("\n");
  const isTraceback = lines[0].includes("Traceback");
  return lines.at(isTraceback ? -1 : 0);
}
