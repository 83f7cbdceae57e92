import type { ArtifactStatus, ArtifactType, Tags } from '../domain/artifact.js';
import type { ListSort } from '../domain/artifact-filters.js';
import { ArtifactError } from '../domain/errors.js';
import { requireUuid } from '../domain/ids.js';
import type { Usage } from '../domain/quotas.js';
import type { StorageTier } from '../domain/tiers.js';
import type { Api } from './http.js';
import { toArtifact, type Artifact, type ArtifactPageJson } from './wire.js';

/** Of one page of a list; the most the API gives. */
const PAGE_ARTIFACTS = 200;

/** Which artifacts are wanted; all that is given must match. */
export interface ListFilters {
  type?: ArtifactType;
  /** One of these. Without it DELETED ones are left out. */
  status?: ArtifactStatus | readonly ArtifactStatus[];
  tier?: StorageTier;
  /** All of these tags must be there. */
  tags?: Tags;
  /** The file name; each `*` stands for any characters, or none. */
  name?: string;
  /** What the path begins with. */
  path?: string;
  /** Both inclusive. */
  minBytes?: number;
  maxBytes?: number;
  /** Then or later. */
  createdAfter?: Date;
  createdBefore?: Date;
  /** What never expires does not. */
  expiresBefore?: Date;
  /** Default `newest`. `expiring`: what expires first, and last of all what never does. */
  sort?: ListSort;
  signal?: AbortSignal;
}

export interface SearchFilters extends ListFilters {
  /** Only of this one; else of all that the token may see. */
  executionId?: string;
}

interface QuotaLeft {
  /** Null: there is none. */
  limit: number | null;
  left: number | null;
}

/** What counts for the quotas: everything that is not DELETED, uploads that run included. */
export interface StorageUsage {
  /** `executions`: those that the token is narrowed to. */
  scope: 'execution' | 'tenant' | 'executions';
  total: Usage;
  tiers: Record<StorageTier, Usage>;
  /** Null for `executions`. */
  quotas: { artifacts: QuotaLeft; bytes: QuotaLeft } | null;
}

/** Filters that are one parameter of the same name. */
const SINGLE = [
  'type',
  'tier',
  'name',
  'path',
  'minBytes',
  'maxBytes',
  'createdAfter',
  'createdBefore',
  'expiresBefore',
  'sort',
] as const satisfies readonly (keyof ListFilters)[];

/** Page after page. @param path of the list. @throws as the API. */
export async function* iterate(
  api: Api,
  path: string,
  { signal, tags = {}, status = [], executionId, ...filters }: SearchFilters,
): AsyncGenerator<Artifact, void, undefined> {
  const query = new URLSearchParams({ limit: String(PAGE_ARTIFACTS) });
  if (executionId !== undefined) query.set('executionId', requireUuid(executionId, 'execution id'));
  for (const one of [status].flat()) query.append('status', one);
  for (const [key, value] of Object.entries(tags)) {
    if (key.includes(':'))
      throw new ArtifactError('invalid_tags', `Tags with ":" in their key cannot be searched for: "${key}"`);
    query.append('tag', `${key}:${value}`);
  }
  // Callers may hand in objects that hold more than filters, and the API refuses what it does not know.
  for (const name of SINGLE) {
    const value = filters[name];
    if (value !== undefined) query.set(name, value instanceof Date ? value.toISOString() : String(value));
  }
  for (;;) {
    const page = await api.call<ArtifactPageJson>({ method: 'GET', path: `${path}?${query.toString()}`, signal });
    yield* page.items.map(toArtifact);
    if (page.nextCursor === null) return;
    query.set('cursor', page.nextCursor);
  }
}

/** @param executionId absent: of all that the token may see. @throws `execution_not_found`. */
export const readUsage = (api: Api, executionId?: string): Promise<StorageUsage> =>
  api.call<StorageUsage>({
    method: 'GET',
    path: executionId === undefined ? '/v1/usage' : `/v1/executions/${requireUuid(executionId, 'execution id')}/usage`,
  });
