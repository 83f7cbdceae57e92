import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, test } from 'vitest';
import { errorKind } from '../../../src/domain/errors.js';
import { startTestApi, type TestApi } from '../../support/api.js';
import { ALL_CALLERS, CREDENTIALS, isInside, tokenOf, type Caller } from '../../support/access/callers.js';
import { ruleKeyOf, RULES, type Answer, type RouteRule } from '../../support/access/rules.js';
import { nowhere, placeIn, STATES, tracesOf, type Place } from '../../support/access/states.js';

/*
 * Every route of the app × everything a caller can show × tenant × narrowing × state of the artifact, each held against `RULES`.
 */

type Method = 'DELETE' | 'GET' | 'HEAD' | 'PATCH' | 'POST' | 'PUT';

const MATRIX_TIMEOUT_MS = 60_000;
/** Who listens to an upload looks at the store now and then: not while others must leave no trace there. */
const NEVER_MS = 3_600_000;

let cells = 0;
afterAll(() => console.log(`access matrix: ${cells} cells of ${Object.keys(RULES).length} rules`));

test('every route has a rule, with the scopes that it enforces, and every rule a route', async () => {
  const { app } = await startTestApi();
  await app.ready();
  const ruled = app.accessRules.map((route) => [
    ruleKeyOf(route) ?? `no rule: ${route.method} ${route.url}`,
    [route.access, route.alsoNeeds],
  ]);
  const expected = Object.entries(RULES).map(([key, { access, alsoNeeds = null }]) => [key, [access, alsoNeeds]]);
  expect(Object.fromEntries(ruled)).toEqual(Object.fromEntries(expected));
});

describe('every cell of the matrix answers by the rule of its route', () => {
  test.each(Object.entries(RULES))('%s', { timeout: MATRIX_TIMEOUT_MS }, async (key, rule) => {
    const api = await startTestApi({ eventPollMs: NEVER_MS });
    await api.app.ready();
    const own = api.app.accessRules.filter((route) => ruleKeyOf(route) === key);
    // A public route is not about an artifact.
    const states = rule.access === 'public' ? STATES.slice(0, 1) : STATES;
    const [, url = ''] = key.split(' ');
    const insiders = ALL_CALLERS.filter((caller) => isAnswered(rule, caller));
    const outsiders = ALL_CALLERS.filter((caller) => !isAnswered(rule, caller));
    for (const { method } of own)
      for (const state of states) {
        const untouched = await placeIn(api, state);
        const cell = { api, rule, url, method: method as Method, place: untouched };
        const before = await tracesOf(api, untouched);
        const unknown = await answerAboutNothing(cell);
        for (const caller of outsiders) await checkOutsider({ ...cell, caller }, unknown);
        expect({ method, state, traces: await tracesOf(api, untouched) }).toEqual({ method, state, traces: before });
        for (const caller of insiders) await checkInsider({ ...cell, caller, place: await placeIn(api, state) });
        cells += ALL_CALLERS.length;
      }
    if (rule.access !== 'public') expect(api.log().length).toBeGreaterThan(1_000);
    expectNoSecretIn(api.log());
  });
});

/** Tokens, signed URLs and links that have been seen; none of them may be logged. */
const secrets = new Set<string>();

interface Cell {
  api: TestApi;
  rule: RouteRule;
  url: string;
  method: Method;
  caller: Caller;
  place: Place;
}

interface Delivery {
  method: Method;
  url: string;
  headers: Record<string, string>;
  payload: object | string | undefined;
  payloadAsStream: boolean;
}

interface Answered {
  status: number;
  headers: Record<string, unknown>;
  body: string;
}

const hasScopesFor = ({ access, alsoNeeds = access }: RouteRule, { credential }: Caller): boolean => {
  const scopes = (CREDENTIALS[credential] ?? '').split(' ');
  return [access, alsoNeeds].every((needed) => scopes.some((scope) => scope === needed || scope === 'artifacts:admin'));
};

/** Is the caller one to whom the route answers about the artifact? */
const isAnswered = (rule: RouteRule, caller: Caller): boolean =>
  rule.access === 'public' || (hasScopesFor(rule, caller) && isInside(caller));

async function checkInsider(cell: Cell): Promise<void> {
  const { rule, method, place } = cell;
  const answered = await ask(cell, place);
  expectAnswer(cell, answered, rule.answers[place.state]);
  if (answered.status < 400 && method !== 'HEAD' && rule.shows !== undefined)
    expect({ ...nameOf(cell), shown: answered.body.includes(place.artifactId) }).toEqual({
      ...nameOf(cell),
      shown: rule.shows(place.state),
    });
}

/** @param unknown what is told of something that does not exist: nobody can tell what is of others from it. */
async function checkOutsider(cell: Cell, unknown: Answered | null): Promise<void> {
  const { rule, caller, place } = cell;
  const answered = await ask(cell, place);
  const refusal = hasScopesFor(rule, caller) ? rule.outsider : 'forbidden';
  expectAnswer(cell, answered, caller.credential === 'no token' ? 'unauthenticated' : refusal);
  for (const fact of [place.path, place.sha256]) expect({ ...nameOf(cell), body: answered.body }).not.toContain(fact);
  if (refusal === rule.outsider && unknown !== null)
    expect({ ...nameOf(cell), ...withoutIds(answered, place) }).toEqual({ ...nameOf(cell), ...unknown });
}

/** What one who may do everything is told of what does not exist; null: by asking, it would come into being. */
async function answerAboutNothing(cell: Omit<Cell, 'caller'>): Promise<Answered | null> {
  if (cell.rule.access === 'public' || typeof cell.rule.outsider === 'number' || cell.rule.createsExecution === true)
    return null;
  const nothing = nowhere(cell.place);
  return withoutIds(
    await ask({ ...cell, caller: { credential: 'admin', tenant: 'own', narrowing: 'all' } }, nothing),
    nothing,
  );
}

const nameOf = ({ method, url, caller, place }: Cell) => ({ method, url, ...caller, state: place.state });

/** A HEAD says no code. */
function expectAnswer(cell: Cell, { status, body }: Answered, expected: Answer): void {
  const isCoded = status >= 400 && cell.method !== 'HEAD';
  const answer = isCoded ? (JSON.parse(body) as { code: string }).code : status;
  const wanted = typeof expected === 'number' || isCoded ? expected : errorKind(expected).status;
  expect({ ...nameOf(cell), answer }).toEqual({ ...nameOf(cell), answer: wanted });
}

async function ask({ api, rule, url, method, caller }: Cell, place: Place): Promise<Answered> {
  const token = await tokenOf(caller, place);
  if (token !== null) secrets.add(token);
  const said = rule.request?.(place) ?? {};
  const target = url
    .replace(':id', place.artifactId)
    .replace(':executionId', place.executionId)
    .replace(':holdId', place.holdId)
    .replace(':publicationId', place.publicationId);
  const headers = {
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    'x-request-id': 'the-same',
    ...said.headers,
  };
  const answered = await deliver(api, rule, {
    ...{ method, url: said.url ?? target, headers, payload: said.payload },
    payloadAsStream: method !== 'HEAD' && rule.endless?.(place.state) === true,
  });
  for (const [signed] of answered.body.matchAll(/memory:\/\/[^"]+|shr_[^"]+/g)) secrets.add(signed);
  return answered;
}

/** The whole answer, or the head of one that does not end. */
async function deliver(api: TestApi, rule: RouteRule, { payload, ...request }: Delivery): Promise<Answered> {
  if (rule.needsSocket === true) {
    const [address] = api.app.addresses();
    const origin =
      typeof address === 'object'
        ? `http://127.0.0.1:${address.port}`
        : await api.app.listen({ host: '127.0.0.1', port: 0 });
    const response = await fetch(origin + request.url, { ...request, body: payload as string });
    return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
  }
  const response = await api.app.inject({ ...request, ...(payload === undefined ? {} : { payload }) });
  const { statusCode: status, headers } = response;
  if (!request.payloadAsStream) return { status, headers, body: response.body };
  const stream = response.stream();
  if (status >= 400) return { status, headers, body: await text(stream) };
  stream.destroy();
  return { status, headers, body: '' };
}

/** All of an answer that counts, with names for the ids that were asked for. */
function withoutIds({ status, headers, body }: Answered, asked: Place): Answered {
  const ids = [asked.artifactId, asked.executionId, asked.publicationId, asked.holdId];
  const { 'ratelimit-remaining': _remaining, 'ratelimit-reset': _reset, date: _date, ...others } = headers;
  return { status, headers: others, body: ids.reduce((all, id, index) => all.replaceAll(id, `<id ${index}>`), body) };
}

function expectNoSecretIn(log: string): void {
  expect([...secrets].filter((secret) => log.includes(secret.split('.').at(-1) ?? secret))).toEqual([]);
}
