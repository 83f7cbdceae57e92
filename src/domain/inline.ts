/** How a browser is asked to treat a file. */
export const DISPOSITIONS = ['attachment', 'inline'] as const;
export type Disposition = (typeof DISPOSITIONS)[number];

const TEXT = 'text/plain; charset=utf-8';

/** What may be shown in a browser, and as what. Nothing here can run: all text is plain, and images that may hold scripts are not here. */
const SHOWN_AS: Readonly<Record<string, string>> = {
  'text/plain': TEXT,
  'text/markdown': TEXT,
  'text/csv': TEXT,
  'application/json': TEXT,
  'image/png': 'image/png',
  'image/jpeg': 'image/jpeg',
  'image/gif': 'image/gif',
  'image/webp': 'image/webp',
  'image/avif': 'image/avif',
};

/** Every type under which something may be shown, without parameters. */
export const SHOWN_TYPES: readonly string[] = [...new Set(Object.values(SHOWN_AS).map(essenceOf))];

/**
 * The type under which a file may be shown in a browser; null: it may not, whoever asks. What its uploader said of it only chooses from
 * the list above, so with `nosniff` a file that is something else than it claims is shown as noise or a broken image, never run.
 * @param mimeType as stored, parameters allowed: `text/plain; charset=latin1`.
 */
export function inlineTypeOf(mimeType: string): string | null {
  const essence = essenceOf(mimeType);
  return Object.hasOwn(SHOWN_AS, essence) ? (SHOWN_AS[essence] ?? null) : null;
}

function essenceOf(mimeType: string): string {
  return mimeType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}
