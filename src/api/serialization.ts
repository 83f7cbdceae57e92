import { SerializerSelector } from '@fastify/fast-json-stringify-compiler';
import { PROBLEM_MEDIA_TYPE } from './schemas/problem.js';

const standard = SerializerSelector();

/**
 * How answers are written: successes by a serializer compiled from their schema, as Fastify does, so that nothing gets out that the schema does
 * not name. Problems are made in one place, field by field, and every route has a dozen of them: compiling those was most of the time that
 * an app took to start.
 */
export const buildSerializer: typeof standard = (externalSchemas, options) => {
  const compile = standard(externalSchemas, options);
  return (route) =>
    'contentType' in route && route.contentType === PROBLEM_MEDIA_TYPE ? JSON.stringify : compile(route);
};
