import { readFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { startTestApi } from '../../support/api.js';

interface Operation {
  summary?: string;
  tags?: string[];
  security: { bearer: string[] }[] | [];
  parameters?: { name: string; in: string }[];
  responses: Record<string, { content?: Record<string, { schema?: { $ref?: string } }> }>;
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
}

const operationsOf = (document: Document) =>
  Object.entries(document.paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([verb, operation]) => ({ path, method: verb.toUpperCase(), operation })),
  );

async function readDocument(): Promise<{
  document: Document;
  rules: { method: string; url: string; access: string; alsoNeeds: string | null }[];
}> {
  const api = await startTestApi();
  const response = await api.app.inject('/openapi.json');
  return { document: response.json<Document>(), rules: [...api.app.accessRules] };
}

describe('the OpenAPI document', () => {
  test('lists every route with the scopes it enforces', async () => {
    const { document, rules } = await readDocument();
    const written = operationsOf(document).map(({ path, method, operation }) => ({
      method,
      url: path.replace(/\{(\w+)\}/g, ':$1'),
      access: operation.security[0]?.bearer[0] ?? 'public',
      alsoNeeds: operation.security[0]?.bearer[1] ?? null,
    }));
    const hidden = (url: string): boolean => url.startsWith('/docs') || url === '/openapi.json';
    const headOfGet = ({ method, url }: { method: string; url: string }): boolean =>
      method === 'HEAD' && !/\/(content|bundle\.zip|shared\/:token)$/.test(url);
    const named = (rule: (typeof rules)[number]) => ({ ...rule, url: rule.url.replace(/\*$/, ':path') });
    const sort = (list: typeof written) => list.map((entry) => JSON.stringify(entry)).sort();
    expect(sort(written)).toEqual(sort(rules.filter((rule) => !hidden(rule.url) && !headOfGet(rule)).map(named)));
  });

  test('is OpenAPI 3.1: every parameter of a path is declared, every reference leads somewhere, every schema compiles', async () => {
    const { document } = await readDocument();
    expect(document.openapi).toBe('3.1.0');
    for (const { path, operation } of operationsOf(document)) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = (operation.parameters ?? [])
        .filter((parameter) => parameter.in === 'path')
        .map(({ name }) => name);
      expect(declared).toEqual(inPath);
      expect(operation.summary).toBeTruthy();
      expect(operation.tags).toHaveLength(1);
    }
    const ajv = new Ajv({ strict: false });
    ajv.addSchema(document, 'document');
    const references = new Set(JSON.stringify(document).match(/#\/components\/schemas\/\w+/g));
    expect(references.size).toBeGreaterThan(3);
    for (const reference of references) expect(ajv.getSchema(`document${reference}`)).toBeTypeOf('function');
  });

  test('says for every failure of every route that it is a problem', async () => {
    const { document } = await readDocument();
    for (const { path, method, operation } of operationsOf(document)) {
      const failures = Object.entries(operation.responses).filter(([status]) => Number(status) >= 400);
      const shapes = failures.map(([status, { content }]) => [status, Object.keys(content ?? {})]);
      // Not one itself, and without any body.
      if (path === '/readyz' || method === 'HEAD') continue;
      expect({ path, method, shapes }).toEqual({
        path,
        method,
        shapes: failures.map(([status]) => [status, ['application/problem+json']]),
      });
      expect(operation.responses).toHaveProperty('500');
      if (operation.security.length > 0)
        for (const status of ['400', '401', '403', '429', '503']) expect(operation.responses).toHaveProperty(status);
    }
  });

  test('is committed as it is (npx tsx scripts/export-openapi.ts)', async () => {
    const { document } = await readDocument();
    const file = new URL('../../../docs/openapi.json', import.meta.url);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(document);
  });
});

test('the page of the document runs its own scripts and nobody else’s', async () => {
  const api = await startTestApi();
  const page = await api.app.inject('/docs/');
  expect(page.statusCode).toBe(200);
  const csp = String(page.headers['content-security-policy']);
  expect(csp).toContain("script-src 'self'");
  expect(csp).not.toContain('upgrade-insecure-requests');
  expect(page.body).not.toMatch(/<script(?![^>]*src=)/);
  const scripts = [...page.body.matchAll(/<(?:script|link)[^>]*(?:src|href)="\.\/([^"]+)"/g)].map(([, path]) => path);
  expect(scripts.length).toBeGreaterThan(3);
  for (const path of scripts) expect((await api.app.inject(`/docs/${path}`)).statusCode).toBe(200);
});
