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

/**
 * Lines of at most so many columns, broken between words; a word that is longer is broken too, unless it is to be copied. At least one.
 */
export function wrap(text: string, maxColumns: number, { wholeWords = false } = {}): string[] {
  const lines: string[] = [];
  let line = '';
  const words = text.split(' ');
  for (const word of wholeWords ? words : words.flatMap((long) => piecesOf(long, maxColumns))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && columnsOf(longer) > maxColumns) lines.push(line);
    line = line !== '' && columnsOf(longer) > maxColumns ? word : longer;
  }
  return [...lines, line];
}

function piecesOf(word: string, maxColumns: number): string[] {
  const pieces: string[] = [];
  let rest = [...graphemes(word)];
  while (rest.length > 0) {
    // One that is wider than a line stands alone.
    const piece =
      take(rest, maxColumns).length === 0 ? rest.slice(0, 1).map(({ text }) => text) : take(rest, maxColumns);
    pieces.push(piece.join(''));
    rest = rest.slice(piece.length);
  }
  return pieces;
}

/** What somebody else wrote, without what would move the cursor, colour the terminal or begin a line of its own. */
export const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, '�');
