// Listeners and abort signals, those of React Native's polyfill included, which has no `reason`.

interface Target<E> {
  addEventListener?(type: string, listener: (event: E) => void): void;
  removeEventListener?(type: string, listener: (event: E) => void): void;
}

/** Listens, where there is anything to listen to. Gives what stops it. */
export function on<E>(target: Target<E> | null | undefined, type: string, listener: (event: E) => void): () => void {
  target?.addEventListener?.(type, listener);
  return () => target?.removeEventListener?.(type, listener);
}

/** What an aborted call fails with: the signal's reason, or an error of the name that `fetch` gives it. */
export function reasonOf(signal: AbortSignal): unknown {
  return signal.reason ?? Object.assign(new Error('aborted'), { name: 'AbortError' });
}
