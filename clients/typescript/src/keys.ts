// Names drawn at random: idempotency keys and device ids.

const text = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** 32 hexadecimal digits, 128 random bits. */
export function randomName(): string {
  const crypto = (globalThis as { crypto?: Crypto }).crypto;
  if (!crypto?.getRandomValues) {
    throw new Error('no crypto: import "react-native-get-random-values" first');
  }
  return text(crypto.getRandomValues(new Uint8Array(16)));
}

/**
 * The Idempotency-Key of a refresh token: a hash of the token and of a secret that is drawn at login, stored with the pair
 * and never sent. So tabs that store the same pair at the same time, with no lock between them, store the same key; and who
 * sees one request, token and key, doesn't know the key of the next. Where there is no SHA-256 (React Native), there are no
 * tabs either, and the key is drawn at random.
 */
export async function keyFor(refreshToken: string, secret: string): Promise<string> {
  const subtle = (globalThis as { crypto?: Crypto }).crypto?.subtle;
  if (!subtle) return randomName();
  return text(new Uint8Array(await subtle.digest('SHA-256', new TextEncoder().encode(`${secret} ${refreshToken}`))));
}
