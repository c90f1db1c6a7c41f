/**
 * The one error class of the JavaScript side.
 *
 * Errors raised in Python keep their code, message and hint. The codes of this side are
 * `asset_missing`, `asset_corrupt`, `worker_failed`, `terminated`, `disposed` and `call` (wrong
 * arguments, as in Python).
 */

/**
 * What is left of an error on its way between page, worker and Python.
 *
 * @typedef {object} PlainError
 * @property {string} code
 * @property {string} message
 * @property {string} hint
 */

/** An error with a stable code, a message that says what happened, and a hint what to do. */
export class LoomError extends Error {
  /** @type {"LoomError"} */
  name = "LoomError";

  /**
   * @param {string} code stable, for programs
   * @param {string} message where, what was expected, what came
   * @param {string} [hint] what to do; may be empty
   * @param {ErrorOptions} [options]
   */
  constructor(code, message, hint = "", options = {}) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }

  /** @param {PlainError} plain */
  static from({ code, message, hint }) {
    return new LoomError(code, message, hint);
  }

  /** @returns {PlainError} */
  toPlain() {
    return { code: this.code, message: this.message, hint: this.hint };
  }
}

/**
 * The error of a session that can no longer be used, whatever broke it.
 *
 * @param {string} message
 * @param {unknown} [cause]
 */
export function deadSession(message, cause) {
  return new LoomError("worker_failed", message, "Start again with loadLoom().", { cause });
}

/**
 * @param {unknown} error
 * @returns {LoomError} the error itself if it is ours, else one that carries its message
 */
export function asLoomError(error) {
  if (error instanceof LoomError) return error;
  return deadSession(error instanceof Error ? error.message : String(error), error);
}
