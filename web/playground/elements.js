/**
 * Find the page's elements by id, with their types checked once, where they are looked up.
 */

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {abstract new () => T} type the class that the element must have
 * @returns {T}
 * @throws {Error} when the page has no such element: page and script do not belong together
 */
export function element(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`internal: the page has no ${type.name} "${id}"`);
  return found;
}
