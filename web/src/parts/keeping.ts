/**
 * What a browser keeps of a page: by tab, or for good. One that may keep nothing throws on being asked, and then
 * the page does without. Does not know what is kept.
 */

type Where = 'localStorage' | 'sessionStorage';

/** @returns what was kept under a name; null if nothing was */
export function kept(where: Where, name: string): string | null {
  try {
    return window[where].getItem(name);
  } catch {
    return null;
  }
}

/** Keeps a value where it can; null forgets. */
export function keep(where: Where, name: string, value: string | null): void {
  try {
    if (value === null) window[where].removeItem(name);
    else window[where].setItem(name, value);
  } catch {
    // Then it lasts as long as the page.
  }
}
