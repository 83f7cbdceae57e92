import { filterOf, listIn, objectIn } from './filter.js';
import { documentOf, type BucketDocument, type BucketPart, type WantedPart } from './parts.js';

/** A block of HCL: arguments and blocks within. */
interface Block {
  head: string;
  /** Values are HCL already. */
  arguments: [string, string][];
  blocks: Block[];
}

/** Resource types of the AWS provider (version 4 and later). */
const RESOURCES: Record<BucketPart, string> = {
  publicAccess: 'aws_s3_bucket_public_access_block',
  ownership: 'aws_s3_bucket_ownership_controls',
  encryption: 'aws_s3_bucket_server_side_encryption_configuration',
  versioning: 'aws_s3_bucket_versioning',
  cors: 'aws_s3_bucket_cors_configuration',
  lifecycle: 'aws_s3_bucket_lifecycle_configuration',
  policy: 'aws_s3_bucket_policy',
};

const HEAD = `# What durable-artifacts wants of its bucket, which must exist. Each of these resources owns the whole of its part of the
# configuration: add the rules and statements of others to it, or they go.
`;

/** The wanted configuration in the language of Terraform. What has no value is left out. */
export function terraformOf(bucket: string, wanted: WantedPart[]): string {
  const blocks = wanted
    .filter(({ entries }) => entries.length > 0)
    .map(({ part, entries }): Block => {
      const { arguments: own, blocks: inner } = bodyOf(part, documentOf(part, entries, null));
      return {
        head: `resource "${RESOURCES[part]}" "artifacts"`,
        arguments: [['bucket', text(bucket)], ...own],
        blocks: inner,
      };
    });
  return [HEAD, ...blocks.map((block) => render(block, ''))].join('\n');
}

type Body = Omit<Block, 'head'>;

function bodyOf(part: BucketPart, document: BucketDocument): Body {
  switch (part) {
    case 'publicAccess':
      return { arguments: argumentsOf(document), blocks: [] };
    case 'versioning':
      return { arguments: [], blocks: [block('versioning_configuration', { status: document['Status'] })] };
    case 'ownership':
    case 'encryption':
      return { arguments: [], blocks: listIn(document['Rules']).map((rule) => nested('rule', rule)) };
    case 'cors':
      return { arguments: [], blocks: listIn(document['CORSRules']).map((rule) => nested('cors_rule', rule)) };
    case 'lifecycle':
      return { arguments: [], blocks: listIn(document['Rules']).map(ruleBlock) };
    case 'policy':
      return { arguments: [['policy', `jsonencode(${escape(JSON.stringify(document, null, 2))})`]], blocks: [] };
  }
}

function ruleBlock({ ID, Status, Filter, Transitions, ...actions }: BucketDocument): Block {
  const { prefix, tags } = filterOf({ Filter });
  const pairs = Object.entries(tags);
  const filter: Block =
    pairs.length === 0
      ? block('filter', { prefix })
      : {
          ...{ head: 'filter', arguments: [] },
          blocks: [
            {
              ...block('and', { prefix }),
              arguments: [
                ['prefix', text(prefix)],
                ['tags', `{ ${pairs.map(([key, value]) => `${text(key)} = ${text(value)}`).join(', ')} }`],
              ],
            },
          ],
        };
  const transitions = listIn(Transitions).map((transition) => block('transition', transition));
  return {
    ...block('rule', { id: ID, status: Status }),
    blocks: [
      filter,
      ...transitions,
      ...Object.entries(actions).map(([name, value]) => block(snake(name), objectIn(value))),
    ],
  };
}

/** Objects become blocks, the rest arguments. */
function nested(head: string, fields: BucketDocument): Block {
  const inner = Object.entries(fields).filter(([, value]) => Object.keys(objectIn(value)).length > 0);
  const flat = Object.entries(fields).filter(([name]) => inner.every(([other]) => other !== name));
  return {
    ...block(head, Object.fromEntries(flat)),
    blocks: inner.map(([name, value]) => block(snake(name), objectIn(value))),
  };
}

const block = (head: string, fields: BucketDocument): Block => ({ head, arguments: argumentsOf(fields), blocks: [] });

const argumentsOf = (fields: BucketDocument): [string, string][] =>
  Object.entries(fields).map(([name, value]) => [snake(name), escape(JSON.stringify(value))]);

/** `DaysAfterInitiation`, `KMSMasterKeyID`, `AllowedMethods`: the provider writes them with underscores. */
const snake = (name: string): string =>
  name
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .replaceAll(/([a-z\d])([A-Z])/g, '$1_$2')
    .toLowerCase();

const text = (value: string): string => escape(JSON.stringify(value));
/** In the strings of HCL these begin a template. */
const escape = (json: string): string => json.replaceAll('${', () => '$${').replaceAll('%{', '%%{');

function render({ head, arguments: own, blocks }: Block, indent: string): string {
  const inner = `${indent}  `;
  const width = Math.max(0, ...own.map(([name]) => name.length));
  const lines = own.map(([name, value]) => `${inner}${name.padEnd(width)} = ${value.replaceAll('\n', `\n${inner}`)}\n`);
  const within = blocks.map((each) => render(each, inner));
  const gap = lines.length > 0 && within.length > 0 ? '\n' : '';
  return `${indent}${head} {\n${lines.join('')}${gap}${within.join('\n')}${indent}}\n`;
}
