/** The public names: what the glue makes of them, and how Python describes them. */

import { LoomError } from "./errors.js";

/**
 * @typedef {{ kind: "float32array" | "number" | "string" | "boolean" | "void" | "unknown" | "null" }
 *   | { kind: "array", item: Type }
 *   | { kind: "map", item: Type }
 *   | { kind: "object", name: string }
 *   | { kind: "record", name: string }
 *   | { kind: "union", options: Type[] }
 *   | { kind: "callback", parameters: Type[], returns?: Type }
 *   | { kind: "literal", value: string | number | boolean }} Type
 */
/** @typedef {{ name: string, type: Type, optional: boolean, default?: unknown, doc: string }}
 *   Parameter */
/**
 * @typedef {object} Callable
 * @property {string} name
 * @property {string} doc
 * @property {Parameter[]} parameters
 * @property {Type} returns
 * @property {boolean} cooperative whether it runs in slices and can be cancelled between them
 */
/** @typedef {{ name: string, doc: string, methods: Callable[] }} ClassDescription */
/** @typedef {Parameter} Field */
/** @typedef {{ name: string, doc: string, input: boolean, fields: Field[] }} RecordDescription */
/** @typedef {{ name: string, doc: string, values: Record<string, number> }} EnumDescription */
/**
 * @typedef {object} Description
 * @property {string} version of loom_core
 * @property {Callable[]} functions
 * @property {ClassDescription[]} classes
 * @property {RecordDescription[]} records
 * @property {EnumDescription[]} enums
 */

/**
 * What a call needs to know of a function or method.
 *
 * @typedef {object} Signature
 * @property {string} name
 * @property {string[]} parameters their names
 * @property {true} [cooperative] where it is
 * @property {true} [void] where it gives nothing
 */
/**
 * @typedef {object} Names
 * @property {Signature[]} functions
 * @property {Record<string, Signature[]>} classes their methods
 * @property {Record<string, Record<string, number>>} enums their values
 */

/**
 * The camelCase name of a public name: `ForwardCPU` is `forwardCPU`, `GPUInfo` is `gpuInfo`.
 *
 * @param {string} name
 */
export function camelCase(name) {
  return name.replace(/^([A-Z]+(?![a-z])|[A-Z])/, (start) => start.toLowerCase());
}

/**
 * Define each callable under both of its names.
 *
 * @param {object} target gets the properties; none of its own or inherited ones is replaced
 * @param {Signature[]} callables
 * @param {(callable: Signature) => (...args: unknown[]) => unknown} makeFunction
 * @throws {LoomError} `internal`: a name that is no public name or is taken
 */
export function defineCallables(target, callables, makeFunction) {
  for (const callable of callables) {
    const value = makeFunction(callable);
    Object.defineProperty(value, "name", { value: callable.name });
    for (const name of new Set([callable.name, camelCase(callable.name)])) {
      // An object with a `then` would be taken for a promise.
      if (!/^[A-Za-z][A-Za-z0-9]*$/.test(name) || name in target || name === "then") {
        throw new LoomError("internal", `The name ${JSON.stringify(name)} cannot be offered.`);
      }
      Object.defineProperty(target, name, { value, enumerable: true });
    }
  }
}
