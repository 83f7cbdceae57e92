import { ArtifactError, errorKind, type ErrorCode } from '../../domain/errors.js';
import { renderProblem } from '../plugins/errors.js';
import { OPTIONAL_BODY, type OpenApiDocument, type Operation } from './document.js';
import { asDocumented } from './documented.js';
import { addExample } from './examples.js';
import { addHeaders, headerComponents } from './headers.js';
import { addLinks } from './links.js';

/** Of the plugin, for an answer without a description of its own. */
const NO_DESCRIPTION = 'Default Response';
const MEANING: Readonly<Record<string, string>> = {
  '200': 'Done, or as it was',
  '201': 'It is new',
  '202': 'Accepted; it goes on',
};
const REQUEST = { instance: '/v1/…', requestId: '0b6f2a52-6c1c-4b0e-9a42-0d7f3c1f2a11' };

/** Makes of the document that follows from the schemas of the routes the one that callers read: rules, headers, examples, links. */
export function finishDocument(raw: object): OpenApiDocument {
  const document = asDocumented(raw) as OpenApiDocument;
  for (const methods of Object.values(document.paths))
    if (methods['head'] !== undefined) methods['head'] = asHead(methods['head']);
  document.components.headers = headerComponents();
  document.components.examples = problemExamples(document);
  for (const operation of Object.values(document.paths).flatMap((methods) => Object.values(methods))) {
    if (operation[OPTIONAL_BODY] === true && operation.requestBody !== undefined)
      operation.requestBody.required = false;
    delete operation[OPTIONAL_BODY];
    for (const [status, response] of Object.entries(operation.responses))
      if (response.description === NO_DESCRIPTION) response.description = MEANING[status] ?? 'Done';
    addHeaders(operation);
    for (const { content = {} } of [operation.requestBody ?? {}, ...Object.values(operation.responses)])
      for (const [mediaType, media] of Object.entries(content)) addExample(document, mediaType, media);
  }
  addLinks(document);
  return document;
}

/** HEAD shares its schema with GET, but no answer to it has a body, is one of a range, or leads elsewhere. */
function asHead(operation: Operation): Operation {
  const { 206: _part, 302: _elsewhere, ...responses } = operation.responses;
  return {
    ...operation,
    operationId: (operation.operationId ?? '').replace(/^get/, 'head'),
    responses: Object.fromEntries(
      Object.entries(responses).map(([status, { content: _none, ...response }]) => [status, response]),
    ),
  };
}

/** One for each code that an answer refers to. */
function problemExamples(document: OpenApiDocument): Record<string, { summary: string; value: unknown }> {
  const text = JSON.stringify(document.paths);
  const codes = [
    ...new Set([...text.matchAll(/#\/components\/examples\/(\w+)/g)].map(([, code]) => code as ErrorCode)),
  ];
  return Object.fromEntries(
    codes.sort().map((code) => {
      const { title } = errorKind(code);
      return [code, { summary: title, value: renderProblem(new ArtifactError(code, `${title}.`), REQUEST) }];
    }),
  );
}
