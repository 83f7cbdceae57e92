import { Ajv } from 'ajv';
import type { FastifySchemaCompiler, FastifySchemaValidationError } from 'fastify';
import { DOCUMENTED } from './openapi/documented.js';
import { PATTERN_MEANINGS } from './schemas/atoms.js';

/** At most this many faults are listed in one answer. */
const MAX_LISTED_FAULTS = 20;

const OPTIONS = {
  allErrors: true,
  useDefaults: true,
  removeAdditional: false,
  strictTypes: false,
  // Faults then carry the rule that they break, whose description says what is meant.
  verbose: true,
} as const;

/**
 * Checks requests against their schemas. What is in a body has its type already: nothing is converted and nothing unknown is
 * dropped in silence. Query strings and headers are text, so numbers in them are read, and one value may stand for a list.
 */
export function createValidatorCompiler(): FastifySchemaCompiler<object> {
  const exact = new Ajv({ ...OPTIONS, coerceTypes: false });
  const fromText = new Ajv({ ...OPTIONS, coerceTypes: 'array' });
  for (const ajv of [exact, fromText]) ajv.addVocabulary([DOCUMENTED]);
  return ({ schema, httpPart }) => (httpPart === 'body' ? exact : fromText).compile(schema);
}

/** Rules about one value, of which Ajv says nothing but the number or the pattern. */
const EXPLAINED = ['pattern', 'minimum', 'maximum', 'minLength', 'maxLength', 'type'];

/** Ajv says that a value is none of the allowed ones, and not which those are; and shows a pattern instead of what it stands for. */
function messageOf(fault: FastifySchemaValidationError): string {
  const { keyword, message = 'is not valid', params } = fault;
  const { allowedValues, pattern } = params;
  if (Array.isArray(allowedValues)) return `must be one of ${allowedValues.join(', ')}`;
  const meaning = typeof pattern === 'string' ? PATTERN_MEANINGS[pattern] : undefined;
  if (meaning !== undefined) return meaning;
  if (keyword === 'additionalProperties') return 'is not known here: leave it out';
  if (keyword === 'required') return 'is missing';
  const description = EXPLAINED.includes(keyword) ? descriptionOf(fault) : null;
  if (description === null) return message;
  return keyword === 'pattern' ? `is not valid. It is: ${description}` : `${message}. It is: ${description}`;
}

function descriptionOf(fault: object): string | null {
  if (!('parentSchema' in fault)) return null;
  const { parentSchema } = fault;
  const isSaid = typeof parentSchema === 'object' && parentSchema !== null && 'description' in parentSchema;
  return isSaid && typeof parentSchema.description === 'string' ? parentSchema.description : null;
}

/** Ajv's faults as the `errors` of a problem: a dotted field name and a sentence. */
export function listFaults(faults: readonly FastifySchemaValidationError[]): { field: string; message: string }[] {
  return faults.slice(0, MAX_LISTED_FAULTS).map((fault) => {
    const { instancePath, params } = fault;
    const named = params['missingProperty'] ?? params['additionalProperty'];
    const steps = instancePath.split('/').slice(1);
    if (typeof named === 'string') steps.push(named);
    return { field: steps.join('.'), message: messageOf(fault) };
  });
}

/** The same in one line: `tag.0 must be key:value`. */
export const sentenceOf = (faults: readonly FastifySchemaValidationError[]): string =>
  listFaults(faults)
    .map(({ field, message }) => `${field === '' ? 'the body' : field} ${message}`)
    .join('; ');
