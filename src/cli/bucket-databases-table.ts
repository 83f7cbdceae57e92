import type { BucketDatabase, BucketDatabases } from '../domain/bucket-databases.js';
import { dateAndRelative, relativeTime } from './format.js';
import { table } from './tables.js';

interface Line extends BucketDatabase {
  is: string;
}

/** A line for each database that works with the bucket, this one first. */
export function databasesText(bucket: string, { id, own, isCopy, others }: BucketDatabases): string {
  const lines: Line[] = [
    ...(own === null ? [] : [{ ...own, is: isCopy ? 'what this one is a copy of' : 'this one' }]),
    ...others.map((other) => ({ ...other, is: 'another' })),
  ];
  const text = table<Line>(
    [
      { head: 'DATABASE', text: (line) => line.id },
      { head: 'IS', text: (line) => line.is },
      { head: 'SAYS OF ITSELF', text: ({ name }) => name },
      { head: 'SINCE', text: ({ sinceMs }) => dateAndRelative(new Date(sinceMs)) },
      { head: 'SEEN', text: ({ seenMs }) => relativeTime(new Date(seenMs)) },
    ],
    lines,
  );
  const said = [
    ...(own === null ? [`This one (${id}) has not said anything yet: no worker of it was here.`] : []),
    ...(isCopy
      ? ['This one is a copy, or was restored from a backup: its next worker gives it an id of its own.']
      : []),
    others.length === 0 && !isCopy
      ? `No other works with the bucket ${bucket}.`
      : 'No repair removes what one of them does not know.',
  ];
  return `${lines.length === 0 ? '' : `${text}\n`}${said.map((line) => `${line}\n`).join('')}`;
}
