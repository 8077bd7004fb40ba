// How a tab hears that another one has changed what is stored.
import { on } from './signals.js';
import type { Storage } from './storage.js';

/** A channel between tabs, for a storage that doesn't tell them by itself. Node has BroadcastChannel too; a program there would never end for an open one. */
function channelOf(storage: Storage, key: string): BroadcastChannel | null {
  if (storage.oneContext || storage.subscribe || typeof document !== 'object' || typeof BroadcastChannel !== 'function') return null;
  return new BroadcastChannel(`latchkey ${key}`);
}

/**
 * Calls back when another tab may have changed what is stored under `key`: by the storage's own word, else by a channel between
 * tabs; and when the page comes back to the screen, for a page that was frozen hears nothing. Gives what stops it.
 */
export function hear(storage: Storage, key: string, changed: () => void): () => void {
  if (storage.oneContext) return () => {};
  const channel = channelOf(storage, key);
  if (channel) channel.onmessage = changed;
  const page = typeof document === 'object' ? document : null;
  const shown = (): void => void (page?.visibilityState === 'hidden' || changed());
  const stops = [
    storage.subscribe?.(key, changed),
    on(page && globalThis, 'pageshow', shown),
    on(page, 'visibilitychange', shown),
    () => channel?.close(),
  ];
  return () => stops.forEach((stop) => stop?.());
}

/** Tells the other tabs of a change, where the storage doesn't do it by itself. */
export function tell(storage: Storage, key: string): void {
  const channel = channelOf(storage, key);
  channel?.postMessage('changed');
  channel?.close();
}
