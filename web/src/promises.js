/** Promises that are settled from outside, and signals that end them. */

/**
 * @template T
 * @typedef {object} Resolvers
 * @property {Promise<T>} promise
 * @property {(value: T) => void} resolve
 * @property {(reason: unknown) => void} reject
 */

/**
 * `Promise.withResolvers`, which not every browser in use has.
 *
 * @template T
 * @returns {Resolvers<T>}
 */
export function withResolvers() {
  /** @type {(value: T) => void} */
  let resolve = () => {};
  /** @type {(reason: unknown) => void} */
  let reject = () => {};
  const promise = new Promise((/** @type {(value: T) => void} */ onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}

/**
 * Wait for a promise while a signal may end the work behind it.
 *
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignal | undefined} signal not aborted yet
 * @param {(reason: unknown) => void} abort makes the promise reject with the signal's reason
 * @returns {Promise<T>}
 */
export async function abortable(promise, signal, abort) {
  const listener = () => abort(signal?.reason);
  signal?.addEventListener("abort", listener, { once: true });
  try {
    return await promise;
  } finally {
    signal?.removeEventListener("abort", listener);
  }
}
