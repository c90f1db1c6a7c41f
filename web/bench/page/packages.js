/** What is installed of the peers. */

/** @param {string} name of a package @returns {Promise<string>} its version */
export async function versionOf(name) {
  const address = new URL(`../packages/${name}/package.json`, location.href);
  return (await (await fetch(address)).json()).version;
}
