import { readFile } from 'node:fs/promises';
import { Ajv, type ValidateFunction } from 'ajv';
import { expect, test } from 'vitest';
import { isErrorCode, errorKind } from '../../../src/domain/errors.js';
import type { Media, OpenApiDocument, Operation } from '../../../src/api/openapi/document.js';

/** As committed; openapi.test.ts compares it with what the API serves. */
const file = new URL('../../../docs/openapi.json', import.meta.url);
const document = JSON.parse(await readFile(file, 'utf8')) as OpenApiDocument;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    method,
    operation,
  })),
);

const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
ajv.addSchema(document, 'document');
/** Compiles a schema in the place where it stands, so that its references lead into the document. */
const validatorAt = (...steps: string[]): ValidateFunction => {
  const pointer = steps.map((step) => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
  const validate = ajv.getSchema(`document#/${pointer}`);
  if (validate === undefined) throw new Error(`There is no schema at ${pointer}`);
  return validate;
};

const valuesOf = ({ example, examples }: Media): unknown[] =>
  example === undefined
    ? Object.values(examples ?? {}).map((one) =>
        '$ref' in one
          ? document.components.examples?.[one.$ref.slice(one.$ref.lastIndexOf('/') + 1)]?.value
          : one.value,
      )
    : [example];

const pathOf = (name: string): string => name.slice(name.indexOf(' ') + 1);
const answersOf = (operation: Operation, wanted: (status: number) => boolean) =>
  Object.entries(operation.responses).filter(([status]) => wanted(Number(status)));

test('no two operations have the same id', () => {
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
});

test.each(operations)('$name says who may call it, and has a name, a summary and a tag', ({ operation }) => {
  expect(operation.operationId).toMatch(/^[a-z][A-Za-z]+$/);
  expect(operation.summary).toMatch(/^[A-Z].{5,}/);
  expect(operation.tags).toHaveLength(1);
  for (const scheme of operation.security.flatMap((one) => Object.keys(one)))
    expect(document.components.securitySchemes).toHaveProperty(scheme);
});

test.each(operations.filter(({ method }) => method === 'post'))(
  '$name documents what its Idempotency-Key means',
  ({ operation: { parameters = [] } }) => {
    const header = parameters.find(({ name, in: where }) => where === 'header' && name === 'idempotency-key');
    expect(header).toMatchObject({ required: false });
    expect(header?.description).toMatch(/^1 to 255 visible ASCII characters\. [A-Z].{20,}/);
  },
);

const withJson = operations.filter(({ operation }) => operation.requestBody?.content['application/json'] !== undefined);
test.each(withJson)('$name has an example of its body that fits its schema', ({ name, method, operation }) => {
  const media = operation.requestBody?.content['application/json'];
  const steps = ['paths', pathOf(name), method, 'requestBody', 'content', 'application/json', 'schema'];
  const validate = validatorAt(...steps);
  const values = media === undefined ? [] : valuesOf(media);
  expect(values.length).toBeGreaterThan(0);
  for (const value of values) expect([validate(value), validate.errors]).toEqual([true, null]);
});

test.each(operations)('$name has an example of each success that fits its schema', ({ name, method, operation }) => {
  const successes = answersOf(operation, (status) => status < 400);
  expect(successes.length).toBeGreaterThan(0);
  for (const [status, { description, content = {} }] of successes) {
    expect(description).not.toBe('Default Response');
    const media = content['application/json'];
    if (media === undefined) continue;
    const validate = validatorAt(
      'paths',
      pathOf(name),
      method,
      'responses',
      status,
      'content',
      'application/json',
      'schema',
    );
    for (const value of valuesOf(media))
      expect([status, validate(value), validate.errors]).toEqual([status, true, null]);
  }
});

const problem = validatorAt('components', 'schemas', 'Problem');
test.each(operations)(
  '$name names the codes of each failure, with an example of each',
  ({ name, method, operation }) => {
    for (const [status, { description, content }] of answersOf(operation, (code) => code >= 400)) {
      if (method === 'head' || pathOf(name) === '/readyz') continue;
      const codes = [...description.matchAll(/`(\w+)`:/g)].map(([, code = '']) => code);
      expect(codes.length).toBeGreaterThan(0);
      const media = content?.['application/problem+json'];
      expect(Object.keys(media?.examples ?? {})).toEqual(codes);
      for (const value of media === undefined ? [] : valuesOf(media)) {
        expect([problem(value), problem.errors]).toEqual([true, null]);
        const { code, status: told } = value as { code: string; status: number };
        expect(codes).toContain(code);
        expect([told, isErrorCode(code) && errorKind(code).status]).toEqual([Number(status), Number(status)]);
      }
    }
  },
);

test.each(operations)('$name says which headers its answers have', ({ operation }) => {
  for (const [status, { headers = {} }] of Object.entries(operation.responses)) {
    expect(headers).toHaveProperty('x-request-id');
    if (operation.security.length > 0) expect(headers).toHaveProperty('ratelimit-remaining');
    if (status === '429') expect(headers).toHaveProperty('retry-after');
    if (status === '401') expect(headers).toHaveProperty('www-authenticate');
  }
});

test('every header that is referred to is there, and every operation that is linked to', () => {
  const text = JSON.stringify(document);
  for (const [, kind = '', name = ''] of text.matchAll(/#\/components\/(headers|examples|schemas)\/(\w+)/g))
    expect(document.components[kind as 'headers']).toHaveProperty(name);
  const ids = new Set(operations.map(({ operation }) => operation.operationId));
  for (const { operation } of operations)
    for (const { links = {} } of Object.values(operation.responses))
      for (const { operationId } of Object.values(links)) expect(ids).toContain(operationId);
});
