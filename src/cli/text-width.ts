import { eastAsianWidth } from 'get-east-asian-width';

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** What a reader sees as one character, and the columns it takes on a terminal: 2 for Hangul, Han, kana and emoji (UAX #11). */
function* graphemes(text: string): Generator<{ text: string; columns: number }> {
  for (const { segment } of segmenter.segment(text))
    yield { text: segment, columns: eastAsianWidth(segment.codePointAt(0) ?? 0) };
}

/** Columns a text takes on a terminal. Without escape sequences. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const grapheme of graphemes(text)) columns += grapheme.columns;
  return columns;
}

/** At most so many columns: of a longer text the middle is left out, as both the folder and the end of a name tell something. */
export function shorten(text: string, maxColumns: number): string {
  if (columnsOf(text) <= maxColumns) return text;
  const all = [...graphemes(text)];
  const room = Math.max(0, maxColumns - 1);
  const tail = take(all.toReversed(), Math.ceil(room / 2));
  const head = take(all, room - columnsOf(tail.join('')));
  return `${head.join('')}…${tail.toReversed().join('')}`;
}

function take(from: { text: string; columns: number }[], maxColumns: number): string[] {
  const taken: string[] = [];
  let columns = 0;
  for (const grapheme of from) {
    columns += grapheme.columns;
    if (columns > maxColumns) break;
    taken.push(grapheme.text);
  }
  return taken;
}

/** Exactly so many columns: shortened, or filled with spaces at its end (or its start). */
export function fit(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const short = shorten(text, columns);
  const filling = ' '.repeat(Math.max(0, columns - columnsOf(short)));
  return align === 'left' ? short + filling : filling + short;
}

/** What somebody else wrote, without what would move the cursor, colour the terminal or begin a line of its own. */
export const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, '�');
