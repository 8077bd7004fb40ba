// How a tab hears that another one has changed what is stored.
import type { Storage } from './storage.js';

const nameOf = (key: string): string => `latchkey ${key}`;
// Node has BroadcastChannel too; a program there would never end for an open one.
const channels = (): boolean => typeof document === 'object' && typeof BroadcastChannel === 'function';

/**
 * Calls back when another tab may have changed what is stored under `key`: by the storage's own word, else by a channel between
 * tabs; and when the page comes back to the screen, for a page that was frozen hears nothing. Gives what stops it.
 */
export function hear(storage: Storage, key: string, changed: () => void): () => void {
  if (storage.oneContext) return () => {};
  const stops: (() => void)[] = [];
  if (storage.subscribe) {
    stops.push(storage.subscribe(key, changed));
  } else if (channels()) {
    const channel = new BroadcastChannel(nameOf(key));
    channel.onmessage = changed;
    stops.push(() => channel.close());
  }
  if (typeof document === 'object' && typeof addEventListener === 'function') {
    const shown = (): void => void (document.visibilityState === 'hidden' || changed());
    addEventListener('pageshow', shown);
    document.addEventListener('visibilitychange', shown);
    stops.push(() => {
      removeEventListener('pageshow', shown);
      document.removeEventListener('visibilitychange', shown);
    });
  }
  return () => stops.forEach((stop) => stop());
}

/** Tells the other tabs of a change, where the storage doesn't do it by itself. */
export function tell(storage: Storage, key: string): void {
  if (storage.oneContext || storage.subscribe || !channels()) return;
  const channel = new BroadcastChannel(nameOf(key));
  channel.postMessage('changed');
  channel.close();
}
