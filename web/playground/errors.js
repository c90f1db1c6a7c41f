/**
 * The page's own error type, and the one place where any error becomes words for the reader.
 */

/** An error that the page itself found; it always says what to do next. */
export class PageError extends Error {
  /**
   * @param {string} message where it happened, what was expected and what came
   * @param {string} hint what the reader can do
   * @param {ErrorOptions} [options] the cause, where there is one
   */
  constructor(message, hint, options) {
    super(message, options);
    this.name = "PageError";
    this.hint = hint;
  }
}

/**
 * @typedef {object} ErrorWords
 * @property {string} message what went wrong
 * @property {string} hint what to do about it; empty when nothing is known
 * @property {string} code the library's error code, or the error's name
 */

/**
 * Put an error into words. Library errors and page errors bring their own hint; for anything else
 * the hint is to reload, since the page cannot know in which state it was left.
 *
 * @param {unknown} error whatever was thrown
 * @returns {ErrorWords}
 */
export function describeError(error) {
  if (!(error instanceof Error)) {
    return { message: String(error), hint: "Reload the page and try again.", code: "unknown" };
  }
  const hint = stringField(error, "hint");
  if (hint !== undefined) {
    return { message: error.message, hint, code: stringField(error, "code") ?? error.name };
  }
  return {
    message: `Unexpected error: ${error.message}`,
    hint: "Reload the page and try again.",
    code: error.name,
  };
}

/**
 * True for the rejection that follows an AbortSignal: the page asked for it, so it is no error.
 *
 * @param {unknown} error
 * @param {AbortSignal} signal
 */
export function isAbort(error, signal) {
  return signal.aborted && error === signal.reason;
}

/**
 * @param {Error} error
 * @param {string} name
 * @returns {string | undefined}
 */
function stringField(error, name) {
  const value = Object.entries(error).find(([key]) => key === name)?.[1];
  return typeof value === "string" ? value : undefined;
}
