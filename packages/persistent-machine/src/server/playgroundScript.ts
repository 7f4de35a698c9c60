/**
 * The script of the playground's page, for what Altair has no setting: a first visit opens the first tab with variables
 * shown, a tab that was busy when the page closed works again, and Altair's greetings are hidden. It relies on names in
 * Altair's page and storage, which the browser tests check for this version. It does not know the operations.
 */

/** Altair's greeting in the place of the answer, and its reports that it has read the schema or set a variable. */
const NOISE =
  '.query-result__none-subtext, .query-result__none-art, app-tips, .toast-success, .toast-info';

/**
 * Altair stores whether a tab is busy. A tab that follows a subscription when the page is reloaded would stay busy for
 * ever: its button for sending is off, and there is nothing to cancel.
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
  // Altair creates the database.
  opening.onupgradeneeded = () => opening.transaction.abort();
  return settled(opening);
}

/** Marks every stored tab as idle. Returns whether there is any. */
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

/** Opens the variables of each tab by clicks, while the page is hidden. The first tab comes last, and stays open. */
async function arrange() {
  const title = '.variables-editor--title';
  const { style } = document.documentElement;
  style.visibility = 'hidden';
  try {
    await appearance(title);
    const tabs = document.querySelectorAll('app-window-switcher-item .window-switcher__item');
    for (const tab of [...tabs].reverse()) {
      tab.click();
      // Altair shows the tab after this turn of the event loop.
      await new Promise((resolve) => setTimeout(resolve));
      document.querySelector(title).click();
    }
  } finally {
    style.visibility = '';
  }
}

// There is no tab before the first visit, or if the browser stores nothing.
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
