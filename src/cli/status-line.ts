import { shorten } from './text-width.js';

const DEFAULT_COLUMNS = 80;

/** How far long work is. */
export interface StatusLine {
  show: (text: string) => void;
  clear: () => void;
}

/** One line on a terminal that is drawn over itself, and never wraps. @param elsewhere what is done with it where nobody draws. Default: nothing. */
export function statusLine(
  stream: NodeJS.WriteStream,
  elsewhere: (text: string) => void = () => undefined,
): StatusLine {
  if (!stream.isTTY) return { show: elsewhere, clear: () => undefined };
  const draw = (text: string): void =>
    void stream.write(`\r\u001b[K${shorten(text, (stream.columns || DEFAULT_COLUMNS) - 1)}`);
  return { show: draw, clear: () => draw('') };
}
