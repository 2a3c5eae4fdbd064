// Small preferences kept in the browser. A browser that refuses storage just forgets them.

const PREFIX = "kitecity.";

export function recall(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // Private windows may forbid it; the page works without.
  }
}
