// Set the theme before anything is drawn. Some browsers allow no storage for pages from a disk.
"use strict";
globalThis.savedTheme = {
  get() {
    try {
      return localStorage.getItem("theme") ?? "auto";
    } catch {
      return "auto";
    }
  },
  set(theme) {
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // the theme holds for this page only
    }
  },
};
document.documentElement.dataset.theme = savedTheme.get();
