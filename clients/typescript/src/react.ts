// For React: import { useSession } from 'latchkey-client/react'.
import { useSyncExternalStore } from 'react';
import type { Latchkey } from './latchkey.js';
import type { SessionInfo } from './options.js';

const unknown = (): undefined => undefined;

/** The session: null where there is none, undefined until the storage has been read and while a server renders. */
export function useSession(latchkey: Pick<Latchkey, 'subscribe' | 'current'>): SessionInfo | null | undefined {
  return useSyncExternalStore(latchkey.subscribe, () => latchkey.current, unknown);
}
