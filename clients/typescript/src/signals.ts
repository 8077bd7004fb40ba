// Abort signals, those of React Native's polyfill included, which has no `reason`.

/** What an aborted call fails with: the signal's reason, or an AbortError as `fetch` throws it. */
export function reasonOf(signal: AbortSignal): unknown {
  return signal.reason ?? abortError();
}

function abortError(): Error {
  const text = 'This operation was aborted';
  if (typeof DOMException === 'function') return new DOMException(text, 'AbortError');
  return Object.assign(new Error(text), { name: 'AbortError' });
}
