/** Sending an observer's events for Python, by the browser's `fetch`. */

/** The module `loom_http` of Python. */
export const eventPost = Object.freeze({
  /**
   * Send a JSON text. A redirect is an error, and no cookies go along.
   *
   * @param {string} url
   * @param {string} body
   * @param {number} timeoutMs
   * @returns {Promise<string>} what went wrong, or nothing; it never rejects, so that no exception
   *   crosses into Python
   */
  async post(url, body, timeoutMs) {
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body,
        redirect: "error",
        credentials: "omit",
        signal: AbortSignal.timeout(timeoutMs),
      });
      return response.ok ? "" : `the server answered with status ${response.status}`;
    } catch (error) {
      return String(error) || "the request failed";
    }
  },
});
