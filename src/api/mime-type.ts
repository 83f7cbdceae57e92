import { invalidField } from './invalid-field.js';

/** Width of the column (FEAT-004, database schema). */
export const MAX_MIME_TYPE_CHARACTERS = 100;

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
/** RFC 9110, section 8.3.1: type/subtype and parameters; a quoted value may hold printable ASCII. */
export const MIME_TYPE = new RegExp(
  `^(?!multipart/form-data)${TOKEN}/${TOKEN}(?: *; *${TOKEN}=(?:${TOKEN}|"[ !#-\\[\\]-~]*"))*$`,
);

/** @throws `invalid_request` unless it is a media type of at most 100 characters, and none of a form: that is an envelope, not a file. */
export function requireMimeType(value: string): string {
  if (value.length > MAX_MIME_TYPE_CHARACTERS)
    throw invalidField('mimeType', `has more than ${MAX_MIME_TYPE_CHARACTERS} characters`);
  if (/^multipart\/form-data/i.test(value))
    throw invalidField('mimeType', 'is that of a form (curl -F): send the file itself (curl -T)');
  if (!MIME_TYPE.test(value)) throw invalidField('mimeType', 'is not a media type like text/plain');
  return value;
}
