// Where the session is kept between calls and across restarts.
import { on } from './signals.js';

/** A key-value store. `get` of a key that isn't there is null; a store that can't be read throws, and never answers null. */
export interface Storage {
  get(key: string): Promise<string | null>;
  set(key: string, value: string): Promise<void>;
  delete(key: string): Promise<void>;
  /** True where no other tab or process sees the store: then locks of this JavaScript context are enough. */
  readonly oneContext?: boolean;
  /** Calls back when another tab has changed `key`, if the storage notices. Gives what stops it. */
  subscribe?(key: string, changed: () => void): () => void;
}

/** For tests and for programs that log in at each start. */
export function memoryStorage(): Storage {
  const values = new Map<string, string>();
  return {
    oneContext: true,
    get: async (key) => values.get(key) ?? null,
    set: async (key, value) => void values.set(key, value),
    delete: async (key) => void values.delete(key),
  };
}

/** `localStorage`, shared by the tabs of an origin, or anything of its shape. */
export interface WebStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export function webStorage(store: WebStorage): Storage {
  return {
    get: async (key) => store.getItem(key),
    set: async (key, value) => store.setItem(key, value),
    delete: async (key) => store.removeItem(key),
    subscribe: (key, changed) => {
      // `key` is null where all was cleared.
      return on<StorageEvent>(globalThis as never, 'storage', (event) => {
        if ((event.storageArea ?? store) === store && (event.key ?? key) === key) changed();
      });
    },
  };
}

/** The shape of `expo-secure-store`: a React Native app's keychain or keystore. */
export interface SecureStore {
  getItemAsync(key: string): Promise<string | null>;
  setItemAsync(key: string, value: string): Promise<void>;
  deleteItemAsync(key: string): Promise<void>;
}

export function secureStorage(store: SecureStore): Storage {
  return {
    oneContext: true,
    get: (key) => store.getItemAsync(key),
    set: (key, value) => store.setItemAsync(key, value),
    delete: (key) => store.deleteItemAsync(key),
  };
}
