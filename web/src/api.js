/** The public objects: every function and method that Python offers, under its public name. */

import { defineCallables } from "./description.js";
import { DescriptionFile } from "./description_file.js";
import { LoomError } from "./errors.js";
import { names } from "./generated/names.js";
import { version } from "./generated/version.js";
import { encodeArguments, mapPlain, marked } from "./plain_data.js";

/** @import { Signature } from "./description.js" */
/** @import { Callback, Encoded, Plain } from "./plain_data.js" */
/** @import { Memory } from "./generated/api.js" */

/**
 * What runs the calls: a worker's client, or Python on this thread.
 *
 * @typedef {object} Engine
 * @property {boolean} asynchronous whether every call gives a promise
 * @property {(target: number, name: string, encoded: Encoded, signal?: AbortSignal) =>
 *   Plain | Promise<Plain>} call
 * @property {(handle: number) => void} release
 * @property {() => Memory | Promise<Memory>} memory
 * @property {(reason: unknown) => void} close
 */

/** Where `using` finds the method, also in browsers that do not know it yet. */
const DISPOSE = Symbol.dispose ?? Symbol.for("Symbol.dispose");

/** Builds the objects of one session and knows which of them stand for objects in Python. */
export class Api {
  #engine;
  /** @type {Map<string, object>} prototypes by class name */
  #prototypes = new Map();
  /** @type {WeakMap<object, { handle: number, className: string, disposed: boolean }>} */
  #objects = new WeakMap();
  /** Objects at work: not to be collected although nobody but the call holds them. */
  #busy = new Set();
  /** The safety net for objects that nobody disposed of. */
  #registry = new FinalizationRegistry((/** @type {number} */ handle) =>
    this.#engine.release(handle),
  );

  /**
   * @param {Engine} engine
   * @param {string} assetBase URL of the folder that holds manifest.json, ending in "/"
   */
  constructor(engine, assetBase) {
    this.#engine = engine;
    for (const [name, methods] of Object.entries(names.classes)) {
      this.#prototypes.set(name, this.#prototype(name, methods));
    }
    const description = new DescriptionFile(assetBase);
    /**
     * The object that `loadLoom` gives. Its functions are named at run time only, so it is of no
     * type that could be checked here.
     *
     * @type {object}
     */
    this.loom = {
      version,
      describe: () => description.load(),
      memory: () => engine.memory(),
      terminate: () =>
        engine.close(
          new LoomError("terminated", "The session was terminated.", "Start one with loadLoom()."),
        ),
    };
    // Not enumerable: who looks at all that is there is not to wait for a file.
    Object.defineProperty(this.loom, "description", { get: () => description.loadAtOnce() });
    for (const [name, values] of Object.entries(names.enums)) {
      Object.defineProperty(this.loom, name, { value: Object.freeze({ ...values }) });
    }
    defineCallables(
      this.loom,
      names.functions,
      (callable) =>
        (...args) =>
          this.#call(callable, args, null, ""),
    );
  }

  /**
   * @param {string} className
   * @param {Signature[]} methods
   */
  #prototype(className, methods) {
    const api = this;
    const prototype = {
      dispose() {
        api.#dispose(this);
      },
      [DISPOSE]() {
        api.#dispose(this);
      },
      [Symbol.toStringTag]: className,
    };
    defineCallables(
      prototype,
      methods,
      (callable) =>
        /** @this {object} */
        function (...args) {
          return api.#call(callable, args, this, className);
        },
    );
    return prototype;
  }

  /**
   * @param {Signature} callable
   * @param {unknown[]} args
   * @param {object | null} object whose method it is; null for a function
   * @param {string} className its class
   * @returns {unknown} a promise if the engine's calls or this one give promises
   */
  #call(callable, args, object, className) {
    return this.#attempt(callable, () => {
      const target = object ? this.#handleOf(object, className) : 0;
      if (target === undefined) {
        throw new LoomError("call", `${callable.name} must be called on a ${className}.`);
      }
      const { values, signal } = splitOptions(callable, args);
      const handleOf = (/** @type {object} */ value) => this.#handleOf(value);
      const encoded = encodeArguments(values, handleOf, this.#engine.asynchronous);
      encoded.functions = encoded.functions.map(
        (listener) =>
          (...items) =>
            listener(.../** @type {Plain[]} */ (items.map((item) => this.#wrap(item)))),
      );
      const result = this.#engine.call(target, callable.name, encoded, signal);
      /** @param {Plain} value */
      const finish = (value) => (callable.void ? undefined : this.#wrap(value));
      if (!(result instanceof Promise)) return finish(result);
      const atWork = { object };
      this.#busy.add(atWork);
      return result.then(finish).finally(() => this.#busy.delete(atWork));
    });
  }

  /**
   * Where a call gives a promise, what goes wrong on this side rejects it too.
   *
   * @param {Signature} callable
   * @param {() => unknown} action
   */
  #attempt(callable, action) {
    if (!this.#engine.asynchronous && !callable.cooperative) return action();
    return new Promise((resolve) => resolve(action()));
  }

  /**
   * Put objects in the place of their markers.
   *
   * @param {Plain} value
   * @returns {unknown}
   */
  #wrap(value) {
    return mapPlain(value, (item, descend) => {
      const handle = marked(item, "$object");
      if (handle === undefined) return descend(item);
      const className = String(/** @type {Record<string, unknown>} */ (item).$class);
      const prototype = this.#prototypes.get(className);
      if (!prototype) throw new LoomError("internal", `There is no class ${className}.`);
      const object = Object.create(prototype);
      this.#objects.set(object, { handle, className, disposed: false });
      this.#registry.register(object, handle, object);
      return object;
    });
  }

  /**
   * @param {object} object
   * @param {string} [className] what it has to be
   * @returns {number | undefined} undefined if the object is none of this session, or not that
   */
  #handleOf(object, className) {
    const entry = this.#objects.get(object);
    if (!entry || (className && entry.className !== className)) return undefined;
    if (entry.disposed) {
      throw new LoomError("disposed", `This ${entry.className} was disposed of.`);
    }
    return entry.handle;
  }

  /** @param {object} object */
  #dispose(object) {
    const entry = this.#objects.get(object);
    if (!entry || entry.disposed) return;
    entry.disposed = true;
    this.#registry.unregister(object);
    this.#engine.release(entry.handle);
  }
}

/**
 * Take the call options off the arguments. They stand after all parameters; an object with an
 * AbortSignal as `signal` is also known as such after fewer.
 *
 * @param {Signature} callable
 * @param {unknown[]} args
 * @returns {{ values: unknown[], signal: AbortSignal | undefined }}
 */
function splitOptions({ name, parameters }, args) {
  const last = args.at(-1);
  const { signal } = /** @type {{ signal?: unknown }} */ (Object(last));
  if (signal instanceof AbortSignal) return { values: args.slice(0, -1), signal };
  if (args.length <= parameters.length) return { values: args, signal: undefined };
  if (args.length === parameters.length + 1 && typeof (last ?? {}) === "object") {
    if (signal === undefined) return { values: args.slice(0, -1), signal };
    throw new LoomError("call", `${name}: the option signal is no AbortSignal.`);
  }
  const expected = [...parameters, "options"].join(", ");
  throw new LoomError("call", `${name} takes ${expected}; got ${args.length} arguments.`);
}
