import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { Api } from '../context.js';
import { OPTIONAL_BODY } from '../openapi/document.js';
import { finishDocument } from '../openapi/finish.js';
import { allowEmptyBody } from '../routes/empty-body.js';

const OPENAPI_PATH = '/openapi.json';
const DOCS_PATH = '/docs';
/** Scripts and requests of our own origin only. The page sets styles on elements, which needs 'unsafe-inline' for them. */
const DOCS_CSP =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" width="230" height="40"><text x="0" y="27" fill="#fff" font-size="22" ' +
  'font-family="sans-serif">durable-artifacts</text></svg>';

/** A body that no schema checks. */
const FILE = { schema: { description: 'The file', type: 'string', format: 'binary' } };
/** Everything but forms, which are no files. */
const FILE_TYPES = [
  'application/octet-stream',
  ...['application', 'text', 'image', 'audio', 'video'].map((type) => `${type}/*`),
];
const ANY_BYTES = { content: Object.fromEntries(FILE_TYPES.map((type) => [type, FILE])) };

/** The parameter that takes the rest of a path is called `*` by Fastify, and needs a name in the document. */
const withNamedRest = (params: unknown): unknown => JSON.parse(JSON.stringify(params).replaceAll('"*"', '"path"'));

/** Makes the OpenAPI 3.1 document from the schemas of the routes. Register it before them. @param build what runs, see `buildOf`. */
export async function registerOpenApi(app: Api, build: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Durable artifacts',
        version: '1',
        ...{ 'x-build': build },
        description:
          'Artifacts of AI agents: bytes go straight to S3 by signed requests, every artifact has one durable life. ' +
          'Times are ISO 8601 UTC, sizes are bytes. Failures are RFC 9457 problems; compare their `code`.',
      },
      tags: [
        { name: 'uploads', description: 'Begin, send, complete' },
        { name: 'publications', description: 'A folder of a host becomes artifacts' },
        { name: 'artifacts', description: 'Look' },
        { name: 'downloads', description: 'Get the bytes' },
        { name: 'lifecycle', description: 'Keep, archive, restore, delete' },
        { name: 'health', description: 'For probes' },
      ],
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'JWT',
            description: 'Claims: sub, tenant, scope (artifacts:read, artifacts:write, artifacts:admin), executions?',
          },
        },
      },
    },
    refResolver: {
      buildLocalReference: ({ $id }, _baseUri, _fragment, index) => (typeof $id === 'string' ? $id : `def-${index}`),
    },
    transform: ({ schema, url, route }) => {
      const { access, alsoNeeds = [], body } = route.config ?? {};
      return {
        url: url.replace(/\*$/, ':path'),
        schema: {
          ...schema,
          ...(route.preValidation === allowEmptyBody ? { [OPTIONAL_BODY]: true } : {}),
          ...(body === 'streamed' ? { params: withNamedRest(schema.params), body: ANY_BYTES } : {}),
          // OpenAPI 3.1 lets a bearer scheme name the roles it needs.
          security: access === undefined || access === 'public' ? [] : [{ bearer: [access, alsoNeeds].flat() }],
        },
      };
    },
    transformObject: (made) => ('openapiObject' in made ? finishDocument(made.openapiObject) : made.swaggerObject),
  });
}

/** The document and a page that shows it, both public. */
export async function registerDocs(app: Api): Promise<void> {
  app.get(OPENAPI_PATH, { config: { access: 'public' }, schema: { hide: true } }, () => app.swagger());
  await app.register(async (docs) => {
    docs.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: 'public' };
    });
    await docs.register(swaggerUi, {
      routePrefix: DOCS_PATH,
      staticCSP: DOCS_CSP,
      logo: { type: 'image/svg+xml', content: Buffer.from(LOGO), href: OPENAPI_PATH, target: '_blank' },
      theme: { title: 'durable-artifacts API' },
    });
  });
}
