/**
 * Light or dark. This is a classic script in the document's head, so that the theme is known before
 * anything is painted; it therefore imports nothing. Follows the system until the reader chooses.
 */
{
  const STORAGE_KEY = "loom-playground-theme";
  const systemDark = matchMedia("(prefers-color-scheme: dark)");

  /** @returns {string | null} the reader's choice; null without one, or when storage is blocked */
  const storedTheme = () => {
    try {
      return localStorage.getItem(STORAGE_KEY);
    } catch (error) {
      // Browsers throw SecurityError when the reader blocks site data: follow the system then.
      if (error instanceof DOMException) return null;
      throw error;
    }
  };

  /** @param {string} theme */
  const storeTheme = (theme) => {
    try {
      localStorage.setItem(STORAGE_KEY, theme);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error; // blocked: the choice lasts for this visit
    }
  };

  const apply = () => {
    const stored = storedTheme();
    const theme =
      stored === "dark" || stored === "light" ? stored : systemDark.matches ? "dark" : "light";
    show(theme);
  };

  /** @param {"light" | "dark"} theme */
  const show = (theme) => {
    document.documentElement.dataset["theme"] = theme;
    showOnToggle();
    document.dispatchEvent(new CustomEvent("themechange"));
  };

  const showOnToggle = () => {
    const dark = document.documentElement.dataset["theme"] === "dark";
    document.getElementById("theme-toggle")?.setAttribute("aria-pressed", String(dark));
  };

  apply();
  systemDark.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", () => {
    showOnToggle();
    document.getElementById("theme-toggle")?.addEventListener("click", () => {
      const theme = document.documentElement.dataset["theme"] === "dark" ? "light" : "dark";
      storeTheme(theme);
      show(theme);
    });
  });
}
