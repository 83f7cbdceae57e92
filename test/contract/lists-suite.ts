import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ArtifactRecords, NewArtifact, SearchQuery } from '../../src/db/artifact-records.js';
import { ARTIFACT_STATUSES } from '../../src/domain/artifact.js';
import {
  isDescending,
  LIST_SORTS,
  matchesFilters,
  sortKeyOf,
  type ArtifactFilters,
} from '../../src/domain/artifact-filters.js';
import type { ArtifactRecord, RecordPatch } from '../../src/domain/artifact-record.js';
import { DAY_MS } from '../../src/domain/units.js';
import { changeOf, newArtifact } from '../support/new-artifact.js';

const BORN_MS = Date.UTC(2026, 0, 1);

/** What every adapter of `ArtifactRecords` must find, and in which order. */
export function listsSuite(name: string, opened: () => ArtifactRecords): void {
  const store = async (given: Partial<NewArtifact>, patch?: RecordPatch): Promise<ArtifactRecord> => {
    const record = await opened().register(newArtifact({ createdAtMs: BORN_MS, ...given }));
    return patch === undefined ? record : opened().change(changeOf(record.id, 1, patch));
  };

  /** Of all pages, and `between` after each. */
  async function walk(query: SearchQuery, between?: () => Promise<unknown>): Promise<string[]> {
    const found: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await opened().search({ ...query, ...(cursor === undefined ? {} : { cursor }) });
      expect(page.items.length).toBeLessThanOrEqual(query.limit);
      found.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
      await between?.();
    }
    return found;
  }

  describe(`${name}: search`, () => {
    const tenantId = randomUUID();
    const executions: string[] = [randomUUID(), randomUUID(), randomUUID()];
    const all: ArtifactRecord[] = [];

    beforeAll(async () => {
      for (let n = 0; n < 48; n += 1) {
        const status = ARTIFACT_STATUSES[n % 4]!;
        const folder = ['charts/a b%', 'charts', '보고서'][n % 3]!;
        const given = {
          tenantId,
          executionId: executions[n % 3]!,
          path: `output/${folder}/${['report', 'r_port%', 're*', 'x'][n % 4]!}${n % 5}.${n % 2 === 0 ? 'pdf' : 'txt'}${n}`,
          createdAtMs: BORN_MS + Math.floor(n / 4) * 1_000,
          sizeBytes: n % 7 === 0 ? null : (n % 6) * 100,
          type: (['code', 'image', 'log'] as const)[n % 3]!,
          tags: n % 3 === 0 ? { agent: 'one', step: String(n % 2) } : { agent: 'two' },
        };
        const tier = (['HOT', 'WARM', 'COLD'] as const)[n % 3]!;
        const expiresAtMs = n % 5 === 0 ? null : BORN_MS + (n % 8) * DAY_MS;
        all.push(await store(given, { status, tier, ...(status === 'UPLOADING' ? {} : { expiresAtMs }) }));
      }
      await store({ tenantId: randomUUID() });
      const publicationId = randomUUID();
      const waiting = { tenantId, executionId: executions[0]!, publicationId };
      await opened().beginPublication({ ...waiting, id: publicationId, actor: 'agent', atMs: BORN_MS });
      await store({ ...waiting, path: 'output/waits' });
    });

    const filters: fc.Arbitrary<ArtifactFilters> = fc.record(
      {
        type: fc.constantFrom('code', 'image', 'log', 'data'),
        status: fc.subarray([...ARTIFACT_STATUSES]),
        tier: fc.constantFrom('HOT', 'WARM', 'COLD'),
        tags: fc.constantFrom({}, { agent: 'one' }, { agent: 'two' }, { agent: 'one', step: '1' }, { step: 'none' }),
        name: fc.constantFrom('report0.pdf0', '*', 're*', '*.pdf*', 'r_port*', '*%*', '*p*t*p*', 'REPORT*', '', 're**'),
        path: fc.constantFrom(
          '',
          'output/',
          'output/charts/',
          'output/charts/a b%',
          'output/보',
          'output/charts/a%',
          'x',
        ),
        minBytes: fc.constantFrom(0, 100, 300),
        maxBytes: fc.constantFrom(0, 100, 500),
        createdAfterMs: fc.constantFrom(BORN_MS, BORN_MS + 3_000),
        createdBeforeMs: fc.constantFrom(BORN_MS + 3_000, BORN_MS + 9_000),
        expiresBeforeMs: fc.constantFrom(BORN_MS + DAY_MS, BORN_MS + 5 * DAY_MS),
        sort: fc.constantFrom(...LIST_SORTS),
      },
      { requiredKeys: [] },
    );

    test('finds what the domain says that matches, in its order, whatever is asked for', async () => {
      const scope = fc.option(fc.subarray(executions), { nil: null });
      await fc.assert(
        fc.asyncProperty(filters, scope, fc.integer({ min: 1, max: 20 }), async (wanted, executionIds, limit) => {
          const { sort = 'newest' } = wanted;
          const key = (record: ArtifactRecord): number => sortKeyOf(record, sort);
          const ascending = all
            .filter((one) => executionIds?.includes(one.executionId) ?? true)
            .filter((one) => matchesFilters(one, wanted))
            .sort((a, b) => (key(a) === key(b) ? (a.id < b.id ? -1 : 1) : key(a) - key(b)))
            .map(({ id }) => id);
          const found = await walk({ tenantId, executionIds, limit, ...wanted });
          expect(found).toEqual(isDescending(sort) ? ascending.reverse() : ascending);
        }),
        { numRuns: 150 },
      );
    });

    test('sees no execution of another tenant, whoever names it, and no tenant without artifacts', async () => {
      const foreign = await store({ tenantId: randomUUID() });
      const query = { tenantId, executionIds: [foreign.executionId, randomUUID()], limit: 10 };
      expect(await opened().search(query)).toEqual({ items: [], nextCursor: null });
      expect(await walk({ ...query, executionIds: [...query.executionIds, executions[1]!] })).not.toContain(foreign.id);
      expect(await walk({ ...query, executionIds: [] })).toEqual([]);
      expect(await walk({ tenantId: randomUUID(), executionIds: null, limit: 10 })).toEqual([]);
    });

    test('goes by a token that is narrowed to many executions', async () => {
      const many: string[] = Array.from({ length: 60 }, () => randomUUID());
      const expected = await walk({ tenantId, executionIds: executions.slice(0, 2), limit: 7 });
      expect(expected.length).toBeGreaterThan(20);
      expect(await walk({ tenantId, executionIds: [...many, ...executions.slice(0, 2)], limit: 7 })).toEqual(expected);
    });

    test('takes a cursor only for the list that gave it', async () => {
      const query: SearchQuery = { tenantId, executionIds: null, limit: 3, type: 'code' };
      const cursor = (await opened().search(query)).nextCursor ?? '';
      const others: SearchQuery[] = [
        { ...query, type: 'image' },
        { ...query, sort: 'oldest' },
        { ...query, tier: 'HOT' },
        { ...query, tags: { agent: 'one' } },
        { ...query, status: 'ACTIVE' },
        { ...query, tenantId: randomUUID() },
        { ...query, executionIds: executions },
      ];
      for (const other of others)
        await expect(opened().search({ ...other, cursor })).rejects.toMatchObject({ code: 'invalid_cursor' });
      const list = opened().list({ executionId: executions[0]!, limit: 3, type: 'code', cursor });
      await expect(list).rejects.toMatchObject({ code: 'invalid_cursor' });
      // The same, said in other words.
      const same = {
        ...query,
        limit: 9,
        status: ['ACTIVE', 'UPLOADING', 'ARCHIVED'] as const,
        sort: 'newest' as const,
      };
      expect((await opened().search({ ...same, cursor })).items.length).toBeGreaterThan(0);
    });
  });

  test.each(['newest', 'oldest'] as const)(
    `${name}: pages %s first neither skip nor repeat what was there, whatever comes, goes or changes meanwhile`,
    async (sort) => {
      const tenantId = randomUUID();
      const executionId = randomUUID();
      const before: ArtifactRecord[] = [];
      for (let n = 0; n < 30; n += 1)
        before.push(await store({ tenantId, executionId, createdAtMs: BORN_MS + Math.floor(n / 3) }));
      let step = 0;
      const between = async (): Promise<void> => {
        step += 1;
        for (const createdAtMs of [BORN_MS - step, BORN_MS + 4, BORN_MS + 100 + step])
          await store({ tenantId, executionId, createdAtMs });
        for (const [offset, status] of [
          [0, 'ACTIVE'],
          [10, 'ARCHIVED'],
          [20, 'ACTIVE'],
        ] as const)
          await opened().change(changeOf(before[offset + step]!.id, 1, { status, sizeBytes: step }));
      };
      let steps = 0;
      const bounded = async (): Promise<void> => {
        if ((steps += 1) <= 8) await between();
      };
      const found = await walk({ tenantId, executionIds: null, limit: 4, sort }, bounded);
      expect(new Set(found).size).toBe(found.length);
      expect(before.filter(({ id }) => !found.includes(id))).toEqual([]);
      const old = new Set(before.map(({ id }) => id));
      const seen = found.filter((id) => old.has(id));
      const newestFirst = before.toSorted((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1));
      const expected = newestFirst.map(({ id }) => id);
      expect(seen).toEqual(sort === 'newest' ? expected : expected.reverse());
    },
  );
}
