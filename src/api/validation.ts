import { Ajv } from 'ajv';
import type { FastifySchemaCompiler, FastifySchemaValidationError } from 'fastify';
import { DOCUMENTED } from './openapi/documented.js';

/** At most this many faults are listed in one answer. */
const MAX_LISTED_FAULTS = 20;

const OPTIONS = { allErrors: true, useDefaults: true, removeAdditional: false, strictTypes: false } as const;

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

/** Ajv says that a value is none of the allowed ones, and not which those are. */
function messageOf(message = 'is not valid', { allowedValues }: FastifySchemaValidationError['params']): string {
  return Array.isArray(allowedValues) ? `must be one of ${allowedValues.join(', ')}` : message;
}

/** Ajv's faults as the `errors` of a problem: a dotted field name and a sentence. */
export function listFaults(faults: readonly FastifySchemaValidationError[]): { field: string; message: string }[] {
  return faults.slice(0, MAX_LISTED_FAULTS).map(({ instancePath, params, message }) => {
    const named = params['missingProperty'] ?? params['additionalProperty'];
    const steps = instancePath.split('/').slice(1);
    if (typeof named === 'string') steps.push(named);
    return { field: steps.join('.'), message: messageOf(message, params) };
  });
}
