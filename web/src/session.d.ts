/** The types that do not depend on what loom_core offers; generated/api.d.ts builds on them. */

import type { Description } from "./description.js";

/** Numbers for Python: any typed array or plain array; a Float32Array is what it works with. */
export type FloatArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array
  | readonly number[];

/** The last argument of every call. */
export interface CallOptions {
  /** Rejects the call with the signal's reason; a training ends after its present step. */
  signal?: AbortSignal | undefined;
}

/** What a session uses. */
export interface Memory {
  /** Memory of the interpreter, weights and data included; it grows by a fifth at a time. */
  wasmBytes: number;
  /** How much of it has been in use at most. */
  heapBytes: number;
  /** Objects that were not disposed of. */
  liveHandles: number;
  /** Trainings under way. */
  liveJobs: number;
  /** References between Python and JavaScript beyond those of start-up; 0 between two calls. */
  liveProxies: number;
}

/** An object that lives in Python. */
export interface LoomObject {
  /** Frees the object; a training of it under way fails with the code `disposed`. */
  dispose(): void;
  /** Same as `dispose`, for `using`. */
  [Symbol.dispose](): void;
}

/** Where Python runs: in a worker, or on the page's main thread. */
export type Thread = "worker" | "main";

/** What a call gives: in a worker a promise, on the main thread its result at once. */
export type Result<On extends Thread, T> = On extends "worker" ? Promise<T> : T;

/** What every session has, whatever loom_core offers. */
export interface Session<On extends Thread = "worker"> {
  /** Of loom_core. */
  readonly version: string;
  /** Every public name with its parameters, types and documentation, as data. */
  describe(): Promise<Description>;
  /**
   * The same at once.
   * @deprecated The page stands still while the file comes: use `describe()`.
   */
  readonly description: Description;
  /** Ends the session at once; all that is pending fails with the code `terminated`. */
  terminate(): void;
  /** What the session uses at present. */
  memory(): Result<On, Memory>;
}

/** What every session has on the main thread. */
export type SessionOnMainThread = Session<"main">;
