import type { OpenApiDocument, Media, Schema } from './document.js';

/** Values that say nothing by themselves, for what has no example of its own. */
const PLAIN: Readonly<Record<string, unknown>> = { string: 'text', integer: 0, number: 0, boolean: false, null: null };

/** An example of what a schema describes: its own, or put together from those of its parts. */
export function exampleOf(document: OpenApiDocument, schema: Schema): unknown {
  if (schema.examples !== undefined) return schema.examples[0];
  if (schema.$ref !== undefined) {
    const name = schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
    return exampleOf(document, document.components.schemas[name] ?? {});
  }
  if (schema.const !== undefined) return schema.const;
  if (schema.default !== undefined) return schema.default;
  if (schema.enum !== undefined) return schema.enum[0];
  const [first] = schema.anyOf ?? schema.oneOf ?? [];
  if (schema.properties === undefined && first !== undefined) return exampleOf(document, first);
  if (schema.type === 'array') return schema.items === undefined ? [] : [exampleOf(document, schema.items)];
  if (schema.type === 'object')
    return Object.fromEntries(
      Object.entries(schema.properties ?? {}).map(([name, property]) => [name, exampleOf(document, property)]),
    );
  return PLAIN[schema.type ?? ''] ?? null;
}

/** Gives JSON that has none an example. */
export function addExample(document: OpenApiDocument, mediaType: string, media: Media): void {
  if (mediaType !== 'application/json' || media.example !== undefined || media.examples !== undefined) return;
  media.example = exampleOf(document, media.schema);
}
