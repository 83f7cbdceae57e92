import { keyOf } from './signature.js';

/** The variables of the configuration that webhooks are about. */
interface WebhookVariables {
  WEBHOOK_URLS?: string;
  WEBHOOK_SECRET?: string;
  WEBHOOK_ALLOW_PRIVATE: boolean;
}

/** Who is told, and how. */
export interface WebhookSettings {
  urls: string[];
  /** Of the secrets, in their order. */
  keys: Buffer[];
  allowPrivate: boolean;
}

/** Reads the variables; null when there is nobody to tell. @throws Error that names the variable, and never says what a URL or a secret is. */
export function webhookSettings({
  WEBHOOK_URLS,
  WEBHOOK_SECRET,
  WEBHOOK_ALLOW_PRIVATE: allowPrivate,
}: WebhookVariables): WebhookSettings | null {
  const urls = listOf(WEBHOOK_URLS);
  if (urls.length === 0) return null;
  const protocols = allowPrivate ? ['https:', 'http:'] : ['https:'];
  const bad = urls.findIndex((url) => !URL.canParse(url) || !protocols.includes(new URL(url).protocol));
  if (bad >= 0) {
    const hint = allowPrivate ? 'nor an http:// one' : 'and http:// needs WEBHOOK_ALLOW_PRIVATE';
    throw new Error(`WEBHOOK_URLS: number ${bad + 1} is no https:// URL, ${hint}`);
  }
  const keys = listOf(WEBHOOK_SECRET).map(keyOf);
  const usable = keys.filter((key) => key !== null);
  if (keys.length === 0 || usable.length < keys.length)
    throw new Error('WEBHOOK_SECRET must be whsec_ and the Base64 of 24 to 64 bytes when WEBHOOK_URLS is set');
  return { urls: [...new Set(urls)], keys: usable, allowPrivate };
}

const listOf = (value = ''): string[] =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
