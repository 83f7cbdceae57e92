/**
 * The keyword under which a schema says, for the document alone, what the domain checks. A rule is then enforced once, where it is
 * owned, with an error code of its own, and callers still read it as JSON Schema. Tests from outside (schemathesis) hold both together.
 */
export const DOCUMENTED = 'documented';

/** Options for a schema whose rule the domain owns. @param rule JSON Schema that is merged over the schema in the document. */
export const documented = (rule: Record<string, unknown>): Record<typeof DOCUMENTED, Record<string, unknown>> => ({
  [DOCUMENTED]: rule,
});

/** Values, not schemas: nothing in them is a keyword. */
const VALUES = new Set(['example', 'examples', 'default', 'const', 'enum']);

/** A copy of a schema, or of a whole document, as callers should read it. */
export function asDocumented(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(asDocumented);
  if (typeof node !== 'object' || node === null) return node;
  const { [DOCUMENTED]: rule, ...own } = node as Record<string, unknown>;
  const merged = { ...own, ...(rule as Record<string, unknown> | undefined) };
  const copy = Object.fromEntries(
    Object.entries(merged).map(([key, value]) => [key, VALUES.has(key) ? value : asDocumented(value)]),
  );
  return withoutDefaultsRequired(copy);
}

/** What has a default need not be given: Fastify fills it in before it looks at what is required. */
function withoutDefaultsRequired(node: Record<string, unknown>): Record<string, unknown> {
  const { required, properties, schema } = node;
  if (required === true && hasDefault(schema)) return { ...node, required: false };
  if (!Array.isArray(required) || typeof properties !== 'object' || properties === null) return node;
  const fields = properties as Record<string, unknown>;
  const needed = required.filter((name: string) => !hasDefault(fields[name]));
  const { required: _all, ...others } = node;
  return needed.length === 0 ? others : { ...node, required: needed };
}

const hasDefault = (schema: unknown): boolean => typeof schema === 'object' && schema !== null && 'default' in schema;
