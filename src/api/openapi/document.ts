/** What is read of an OpenAPI 3.1 document and written into it here. */
export interface OpenApiDocument {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, Schema>;
    headers?: Record<string, Header>;
    examples?: Record<string, { summary?: string; value: unknown }>;
    securitySchemes?: Record<string, object>;
  };
}

export interface Operation {
  operationId?: string;
  summary?: string;
  description?: string;
  tags?: string[];
  security: Record<string, string[]>[];
  parameters?: Parameter[];
  requestBody?: { required: boolean; content: Record<string, Media> };
  responses: Record<string, OperationResponse>;
  [OPTIONAL_BODY]?: boolean;
}

/** By this, which is in no finished document, a route says that its body may be left out: Fastify's plugin takes every body for required. */
export const OPTIONAL_BODY = 'x-optional-body';

interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  description?: string;
  schema: Schema;
}

interface OperationResponse {
  description: string;
  headers?: Record<string, Header | Reference>;
  content?: Record<string, Media>;
  links?: Record<string, Link>;
}

export interface Media {
  schema: Schema;
  example?: unknown;
  examples?: Record<string, Reference | { value: unknown }>;
}

export interface Header {
  description: string;
  required?: boolean;
  schema: Schema;
}

export interface Link {
  operationId: string;
  description?: string;
  parameters?: Record<string, unknown>;
  requestBody?: unknown;
}

interface Reference {
  $ref: string;
}

/** JSON Schema 2020-12, as far as it is looked at. */
export interface Schema {
  $ref?: string;
  type?: string;
  properties?: Record<string, Schema>;
  patternProperties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  examples?: unknown[];
  [keyword: string]: unknown;
}
