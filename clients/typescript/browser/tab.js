// A tab: a document of its own, with the storage and the locks that all documents of the origin share.
import { Latchkey, webStorage } from '/dist/index.js';

const refreshes = [];
const clock = () => performance.timeOrigin + performance.now();
const latchkey = new Latchkey({
  baseUrl: new URL(location).searchParams.get('api'),
  storage: webStorage(localStorage),
  fetch: async (url, init) => {
    if (!url.endsWith('/refresh')) return fetch(url, init);
    const headers = new Headers(init.headers);
    const refresh = { from: clock(), token: headers.get('Authorization').slice(-24), key: headers.get('Idempotency-Key') };
    refreshes.push(refresh);
    const response = await fetch(url, init);
    refresh.until = clock();
    refresh.date = response.headers.get('Date');
    return response;
  },
});
const loggedOut = [];
latchkey.onLoggedOut((reason) => loggedOut.push(reason));
const word = (error) => error.name;

window.commands = {
  login: () => latchkey.login({ username: 'demo', password: 'correct-horse-battery-staple', device: 'browser' }).then(() => true, () => false),
  refresh: () => latchkey.refresh().then(() => 'ok', word),
  logout: () => latchkey.logout(),
  async call() {
    for (let tries = 1; ; tries += 1) {
      const outcome = await latchkey.fetch('/me').then((response) => (response.ok ? 'ok' : String(response.status)), word);
      if (outcome !== '503' || tries === 10) return outcome;
    }
  },
  seen: () => ({ refreshes, loggedOut }),
};
parent.postMessage('ready', location.origin);
