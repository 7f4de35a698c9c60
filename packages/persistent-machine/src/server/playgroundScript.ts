/**
 * What the playground's page runs around Altair, for what Altair has no setting: a first visit begins in the first tab,
 * with variables shown; a tab that was busy when the page was left can be used again; and what Altair says of itself is
 * hidden. Knows Altair's page and storage, whose names the browser tests hold to this version; knows no operation.
 */

/** Its greeting where an answer will be, and its reports of success: that it has read the schema, or set a variable. */
const NOISE =
  '.query-result__none-subtext, .query-result__none-art, app-tips, .toast-success, .toast-info';

/**
 * Altair stores each tab with what it is doing, so that one that is left while it follows a subscription would wait for
 * ever after a reload: its button for sending stays off, and there is nothing to cancel.
 */
const SCRIPT = `
document.head.append(Object.assign(document.createElement('style'), {
  textContent: NOISE + ' { display: none !important }',
}));

const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

async function openStorage() {
  const opening = indexedDB.open('AltairDB');
  // It is Altair who makes it.
  opening.onupgradeneeded = () => opening.transaction.abort();
  return settled(opening);
}

/** Tells every stored tab that it is idle. Returns whether there is any. */
async function releaseTabs() {
  const storage = await openStorage();
  const records = storage.transaction('appState', 'readwrite').objectStore('appState');
  const own = (await settled(records.getAll())).filter(({ key }) => key.startsWith('[' + NAMESPACE + ']::windows::'));
  const tabs = own.filter(({ key }) => !key.endsWith('::schema'));
  for (const { key, value } of tabs) {
    const tab = JSON.parse(value);
    tab.layout.isLoading = false;
    tab.query.isSubscribed = false;
    await settled(records.put({ key, value: JSON.stringify(tab) }));
  }
  storage.close();
  return tabs.length > 0;
}

const appearance = (selector) =>
  new Promise((resolve) => {
    const look = () => {
      if (!document.querySelector(selector)) return;
      observer.disconnect();
      resolve();
    };
    const observer = new MutationObserver(look);
    observer.observe(document.body, { childList: true, subtree: true });
    look();
  });

/** As a visitor would, by clicks, while nothing is shown; the first tab comes last, and stays. */
async function arrange() {
  const title = '.variables-editor--title';
  const { style } = document.documentElement;
  style.visibility = 'hidden';
  try {
    await appearance(title);
    const tabs = document.querySelectorAll('app-window-switcher-item .window-switcher__item');
    for (const tab of [...tabs].reverse()) {
      tab.click();
      // Altair shows the tab in its own turn.
      await new Promise((resolve) => setTimeout(resolve));
      document.querySelector(title).click();
    }
  } finally {
    style.visibility = '';
  }
}

// Before the first visit, and where the browser stores nothing, there is no tab.
const isKnown = await releaseTabs().catch(() => false);
INIT
if (!isKnown) await arrange();
`;

/**
 * @param init the statement that starts Altair
 * @param namespace under which this Altair stores its tabs
 * @returns a module
 */
export function playgroundScript(init: string, namespace: string): string {
  return SCRIPT.replace('NOISE', JSON.stringify(NOISE))
    .replace('NAMESPACE', JSON.stringify(namespace))
    .replace('INIT', () => init);
}
