/**
 * Single-key shortcuts and the help dialog that lists them. They keep quiet while the reader types,
 * draws, or is on a control that needs the key itself, and can be switched off altogether.
 */

/**
 * @typedef {object} KeyActions
 * @property {() => void} runOrPause
 * @property {() => void} stop
 * @property {() => void} reset
 */

/**
 * @param {KeyActions} actions
 * @param {{dialog: HTMLDialogElement, open: HTMLElement, enabled: HTMLInputElement}} elements
 */
export function listenForKeys(actions, { dialog, open, enabled }) {
  open.addEventListener("click", () => dialog.showModal());
  /** @type {ReadonlyMap<string, () => void>} */
  const byKey = new Map([
    [" ", actions.runOrPause],
    ["s", actions.stop],
    ["r", actions.reset],
    ["?", () => dialog.showModal()],
  ]);
  document.addEventListener("keydown", (event) => {
    if (!enabled.checked || dialog.open || event.repeat || event.defaultPrevented) return;
    if (event.ctrlKey || event.metaKey || event.altKey || isTaken(event)) return;
    const action = byKey.get(event.key.toLowerCase());
    if (!action) return;
    event.preventDefault(); // Space would scroll the page
    action();
  });
}

/**
 * True when the key belongs to what has the focus.
 *
 * @param {KeyboardEvent} event
 */
function isTaken({ target, key }) {
  if (!(target instanceof Element)) return false;
  if (target.closest("input, textarea, select, canvas, [contenteditable]")) return true;
  return key === " " && target.closest("button, summary, a") !== null;
}
