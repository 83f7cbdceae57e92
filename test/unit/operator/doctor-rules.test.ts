import { describe, expect, test } from 'vitest';
import { loadConfig, type Config } from '../../../src/config.js';
import type { BucketFinding, BucketState } from '../../../src/domain/bucket/compare.js';
import { compareMigrations, knownMigrations, knownTables } from '../../../src/db/migrations.js';
import { ArtifactError } from '../../../src/domain/errors.js';
import { buildVerdict, readyVerdict } from '../../../src/operator/doctor/areas/api.js';
import { corsVerdict, rulesVerdict, settingsVerdict } from '../../../src/operator/doctor/areas/bucket.js';
import { credentialsVerdict, RULES, undeleteVerdict } from '../../../src/operator/doctor/areas/configuration.js';
import { connectionsVerdict, connectionVerdict, schemaVerdict } from '../../../src/operator/doctor/areas/database.js';
import {
  attributesVerdict,
  deploymentVerdict,
  isOlder,
  pollersVerdict,
  scheduleVerdict,
} from '../../../src/operator/doctor/areas/temporal.js';
import { redactor } from '../../../src/operator/doctor/redact.js';
import { buildOf, packageVersion } from '../../../src/package.js';
import { clockVerdict, durationText, listText } from '../../../src/operator/doctor/rules.js';
import { failed, type Verdict } from '../../../src/operator/doctor/verdicts.js';
import { compareSearchAttributes } from '../../../src/temporal/examination.js';
import { INDEXED_VALUE_TYPE } from '../../../src/temporal/search-attributes.js';
import { SEARCH_ATTRIBUTES } from '../../../src/workflows/search-attributes.js';

const config = (env: Record<string, string> = {}): Config => loadConfig(env);

function rule(name: string, env: Record<string, string> = {}): Verdict {
  const found = RULES[name];
  if (found === undefined) throw new Error(`there is no rule ${name}`);
  return found(config(env));
}

describe('the configuration', () => {
  test('of the defaults is fine, and says nothing of tokens that only the API needs', () => {
    const verdicts = Object.keys(RULES).map((name) => `${name}: ${rule(name).status}`);
    expect(verdicts.filter((verdict) => !verdict.endsWith(': ok'))).toEqual(['tokens: skipped']);
  });

  const withSecret = { AUTH_JWT_SECRET: 'x'.repeat(32) };
  test.each([
    ['tiers', { WARM_AFTER_DAYS: '90', COLD_AFTER_DAYS: '30' }, 'degraded', 'WARM never comes'],
    ['tiers', { WARM_AFTER_DAYS: '7' }, 'degraded', 'billed for 30 days'],
    ['uploads', { PRESIGN_UPLOAD_SECONDS: '7200', UPLOAD_DEADLINE_SECONDS: '3600' }, 'degraded', 'given up'],
    ['warnings', { WARN_BEFORE_DAYS: '0' }, 'degraded', 'without a word'],
    ['warnings', { WARN_BEFORE_DAYS: '30' }, 'degraded', 'half of the life'],
    ['shares', { SHARE_DEFAULT_DAYS: '60' }, 'degraded', 'lives 30 days'],
    ['encryption', { S3_ENDPOINT: 'http://store.example' }, 'degraded', 'on the way'],
    ['encryption', { TEMPORAL_ADDRESS: 'temporal.example:7233' }, 'degraded', 'on the way'],
    ['public addresses', { API_HOST: '0.0.0.0', S3_ENDPOINT: 'http://localhost:9000' }, 'degraded', 'neither upload'],
    ['public addresses', { API_HOST: '0.0.0.0' }, 'degraded', 'Share links'],
    ['tokens', { ...withSecret, AUTH_JWKS_URL: 'https://issuer.example/keys' }, 'failed', 'does not start'],
    ['tokens', { ...withSecret, API_HOST: '0.0.0.0' }, 'degraded', 'is anybody'],
  ])('rule %s tells of %j', (name, env, status, effect) => {
    const verdict = rule(name, env);
    expect(verdict.status).toBe(status);
    expect(verdict.effect).toContain(effect);
    expect(verdict.remedy).toMatch(/^(Set|Use)/);
  });

  test('that lets deletions be undone needs versions', () => {
    expect(undeleteVerdict(config(), true).status).toBe('ok');
    expect(undeleteVerdict(config(), false)).toMatchObject({ status: 'degraded' });
    expect(undeleteVerdict(config({ UNDELETE_DAYS: '0' }), false).status).toBe('ok');
    expect(undeleteVerdict(config({ UNDELETE_DAYS: '0', UNDELETE_EXPIRED_DAYS: '1' }), false).status).toBe('degraded');
  });

  test('asks for signed URLs that live as long as their credentials at most', () => {
    expect(credentialsVerdict(3_600, 3_599_500).status).toBe('ok');
    expect(credentialsVerdict(3_600, 600_000)).toMatchObject({ status: 'degraded' });
    expect(credentialsVerdict(3_600, 600_000).fact).toContain('10 min');
  });
});

describe('the configuration of the bucket', () => {
  const finding = (state: BucketState, more: Partial<BucketFinding> = {}): BucketFinding => ({
    ...{ part: 'lifecycle', name: 'ExpireOldArtifacts', state },
    ...more,
  });
  const age = { TIER_BY: 'age' as const };

  test.each([
    [[finding('as_wanted'), finding('foreign', { name: 'logs' })], 'ok', '1 of ours, as wanted; 1 of others'],
    [[finding('missing')], 'degraded', 'ExpireOldArtifacts missing'],
    [[finding('dangerous', { name: 'sweep', note: 'may delete it' })], 'failed', 'the rule sweep may delete it'],
    [[finding('not_supported')], 'degraded', 'this store has no lifecycle rules'],
    [[finding('refused')], 'skipped', 'may not read lifecycle rules'],
  ])('with the rules %j is %s', (findings, status, fact) => {
    expect(rulesVerdict(age, findings)).toMatchObject({ status });
    expect(rulesVerdict(age, findings).fact).toContain(fact);
  });

  test('must not move by age what is to move by its last use', () => {
    const moves = { Status: 'Enabled', Transitions: [{ Days: 30, StorageClass: 'STANDARD_IA' }] };
    const rule = finding('foreign', { name: 'old', found: moves });
    expect(rulesVerdict({ TIER_BY: 'last_access' }, [rule])).toMatchObject({ status: 'degraded' });
    expect(rulesVerdict(age, [rule]).status).toBe('ok');
    const off = finding('foreign', { found: { ...moves, Status: 'Disabled' } });
    expect(rulesVerdict({ TIER_BY: 'last_access' }, [off]).status).toBe('ok');
  });

  test('lets browsers upload by a rule that allows PUT and shows the ETag', () => {
    const cors = (more: object): BucketFinding =>
      finding('as_wanted', { part: 'cors', found: { AllowedOrigins: ['https://app.example'], ...more } });
    expect(corsVerdict([cors({ AllowedMethods: ['PUT'], ExposeHeaders: ['ETag'] })]).status).toBe('ok');
    expect(corsVerdict([cors({ AllowedMethods: ['GET'] })]).status).toBe('degraded');
    expect(corsVerdict([cors({ AllowedMethods: ['PUT'] })]).status).toBe('degraded');
    expect(corsVerdict([finding('not_given', { part: 'cors' })]).status).toBe('skipped');
    expect(corsVerdict([finding('refused', { part: 'cors' })]).status).toBe('skipped');
  });

  test('protects it as far as the store can', () => {
    const versioning = finding('as_wanted', { part: 'versioning', name: 'default' });
    const unknown = finding('not_supported', { part: 'encryption', name: 'all' });
    expect(settingsVerdict([versioning, unknown])).toEqual({ status: 'ok', fact: 'as wanted: versioning' });
    expect(settingsVerdict([unknown]).status).toBe('skipped');
    const open = finding('missing', { part: 'publicAccess', name: 'default' });
    expect(settingsVerdict([versioning, open])).toMatchObject({ status: 'degraded', fact: 'publicAccess missing' });
    expect(settingsVerdict([finding('refused', { part: 'policy' })]).status).toBe('skipped');
  });
});

describe('a clock', () => {
  test.each([
    [{ aheadMs: 300, accuracyMs: 500 }, 'ok'],
    [{ aheadMs: -1_400, accuracyMs: 500 }, 'ok'],
    [{ aheadMs: -6_000, accuracyMs: 500 }, 'degraded'],
    [{ aheadMs: 6_000, accuracyMs: 2_000 }, 'ok'],
    [{ aheadMs: 301_000, accuracyMs: 500 }, 'failed'],
  ])('that is off by %j is %s', (reading, status) => {
    expect(clockVerdict('the store', reading).status).toBe(status);
  });

  test('says in which direction it is off', () => {
    expect(clockVerdict('the store', { aheadMs: 60_000, accuracyMs: 1 }).fact).toBe('60 s ahead of this machine');
    expect(clockVerdict('the store', { aheadMs: -60_000, accuracyMs: 1 }).fact).toBe('60 s behind this machine');
  });
});

describe('the schema', () => {
  const known = ['0001_a', '0002_b', '0004_c'];
  const verdict = (applied: string[]): Verdict =>
    schemaVerdict({
      ...compareMigrations(known, applied),
      ...{ applied: applied.length, latest: applied.at(-1) ?? '' },
    });

  test.each([
    [known, 'ok', '3 migrations, up to 0004_c'],
    [['0001_a'], 'failed', 'at 0001_a: 0002_b and 0004_c are missing'],
    [['0001_a', '0004_c'], 'failed', '0002_b is missing, though later ones were applied'],
    [[...known, '0005_d'], 'degraded', 'newer than this build: 0005_d'],
  ])('after %j is %s', (applied, status, fact) => {
    expect(verdict(applied)).toMatchObject({ status, fact });
  });

  test('that was never made is a failure that says how to make it', () => {
    expect(schemaVerdict(null).remedy).toContain('artifacts migrate');
  });

  test('of this build is read from its files', () => {
    expect(knownMigrations()[0]).toBe('0001_artifacts');
    expect(knownMigrations()).toEqual([...knownMigrations()].sort());
    expect(knownTables()).toEqual(
      expect.arrayContaining(['executions', 'artifacts', 'artifact_events', 'publications']),
    );
  });
});

describe('the database', () => {
  const refusal = (code: string): Verdict => {
    const cause = Object.assign(new Error('secret in it'), { code });
    return connectionVerdict(new ArtifactError('database_unavailable', 'Could not connect', { cause }));
  };

  test.each([
    ['28P01', 'user or its password'],
    ['3D000', 'no database of this name'],
    ['53300', 'no more connections'],
    ['ECONNREFUSED', 'does not answer (ECONNREFUSED)'],
  ])('that refuses with %s is told as it is', (code, fact) => {
    expect(refusal(code)).toMatchObject({ status: 'failed' });
    expect(refusal(code).fact).toContain(fact);
    expect(refusal(code).fact).not.toContain('secret');
  });

  test('is degraded when few connections are left', () => {
    expect(connectionsVerdict({ used: 79, ours: 20, max: 100 }).status).toBe('ok');
    expect(connectionsVerdict({ used: 80, ours: 20, max: 100 }).status).toBe('degraded');
  });
});

describe('Temporal', () => {
  test.each([
    ['1.27.9', true],
    ['0.99.0', true],
    ['1.28.0', false],
    ['2.0.0', false],
    ['v1.29.1', false],
    ['cloud', false],
  ])('of version %s is older than what is needed: %s', (version, older) => {
    expect(isOlder(version)).toBe(older);
  });

  const registered = (): Record<string, number> =>
    Object.fromEntries(SEARCH_ATTRIBUTES.map(({ name, type }) => [name, INDEXED_VALUE_TYPE[type]]));

  test('has all search attributes, or is told which are missing or of another type', () => {
    expect(attributesVerdict(config(), compareSearchAttributes(registered())).status).toBe('ok');
    const { ArtifactState: _missing, ...rest } = registered();
    const missing = attributesVerdict(config(), compareSearchAttributes(rest));
    expect(missing).toMatchObject({ status: 'failed', fact: 'not registered: ArtifactState' });
    const wrong = attributesVerdict(config(), compareSearchAttributes({ ...registered(), ArtifactHeld: 2 }));
    expect(wrong.fact).toBe('of another type: ArtifactHeld is KEYWORD, not BOOL');
  });

  const nowMs = 1_800_000_000_000;
  const poller = (agoMs: number, buildId: string | null = null) => ({
    ...{ identity: '7@host', build: null, lastSeenMs: nowMs - agoMs },
    deployment: buildId === null ? null : { name: 'artifacts', buildId },
  });
  const queue = { nowMs, isVital: true, effect: 'nothing works', remedy: 'start a worker' };

  test('has workers that asked for work within a minute and a half', () => {
    expect(pollersVerdict([poller(60_000)], queue)).toEqual({ status: 'ok', fact: '1 worker: 7@host (60 s ago)' });
    expect(pollersVerdict([poller(-50)], queue).fact).toBe('1 worker: 7@host (0.0 ms ago)');
    expect(pollersVerdict([poller(200_000)], queue)).toMatchObject({
      status: 'failed',
      fact: 'no worker asks for work any more; the last was 7@host (3 min ago)',
    });
    expect(pollersVerdict([], { ...queue, isVital: false })).toMatchObject({ status: 'degraded' });
  });

  test('begins reconciliations by a schedule that is there and not paused', () => {
    const schedule = { paused: false, note: '', lastRunMs: null, nextRunMs: Date.now() + 3_600_000 };
    const hourly = { RECONCILE_EVERY_MINUTES: 60 };
    expect(scheduleVerdict(hourly, schedule)).toEqual({ status: 'ok', fact: 'it never ran, next in 60 min' });
    expect(scheduleVerdict(hourly, { ...schedule, paused: true, note: 'moving house' })).toMatchObject({
      ...{ status: 'degraded', fact: 'it is paused: moving house' },
    });
    expect(scheduleVerdict(hourly, null)).toMatchObject({ status: 'degraded', fact: 'there is none' });
    expect(scheduleVerdict(hourly, null).remedy).toContain('setup');
    expect(scheduleVerdict({ RECONCILE_EVERY_MINUTES: 0 }, null).fact).toContain('RECONCILE_EVERY_MINUTES=0');
  });

  test('gives work to a version of which a worker runs', () => {
    const versions = { name: 'artifacts', pollers: [poller(1, 'b2')] };
    expect(deploymentVerdict({ ...versions, deployment: { currentBuildId: 'b2' } }).status).toBe('ok');
    const other = deploymentVerdict({ ...versions, deployment: { currentBuildId: 'b1' } });
    expect(other).toMatchObject({ status: 'failed', fact: 'artifacts: current is b1, running b2' });
    expect(deploymentVerdict({ ...versions, deployment: { currentBuildId: null } }).remedy).toContain(
      'set-current-version',
    );
  });
});

describe('the readiness of the API', () => {
  const checks = (workflows: boolean) => ({
    database: { ok: true },
    storage: { ok: true },
    workflows: { ok: workflows },
  });

  test.each([
    [{ status: 'ok', checks: checks(true) }, 'ok'],
    [{ status: 'degraded', checks: checks(false) }, 'degraded'],
    [{ status: 'draining', checks: checks(false) }, 'degraded'],
    [{ status: 'unavailable', checks: checks(true) }, 'failed'],
    ['<html>', 'failed'],
  ])('%j is %s', (body, status) => {
    expect(readyVerdict({ status: 200, body }).status).toBe(status);
  });
});

test('API and workers of different builds are told, and those that do not tell are not', () => {
  expect(buildVerdict('0.2.0+5037e41', ['0.2.0+5037e41'])).toEqual({
    ...{ status: 'ok', fact: '0.2.0+5037e41, as the workers' },
  });
  expect(buildVerdict('0.2.0', [])).toEqual({ status: 'ok', fact: '0.2.0' });
  expect(buildVerdict(undefined, ['0.2.0']).status).toBe('skipped');
  expect(buildVerdict('0.2.0', ['0.2.0', '0.1.0', '0.3.0'])).toMatchObject({
    ...{ status: 'degraded', fact: '0.2.0, and there are workers of 0.1.0 and 0.3.0' },
  });
});

test('a build has the commit of its image, where that is known', () => {
  expect(buildOf(config())).toBe(packageVersion());
  expect(buildOf(config({ GIT_COMMIT: '5037e4102f3c9a5d7b1e' }))).toBe(`${packageVersion()}+5037e4102f3c`);
});

test('times and lists are short', () => {
  expect([1.23, 45, 1_500, 60_000, 600_000, 90_000_000, 864_000_000].map(durationText)).toEqual([
    ...['1.2 ms', '45 ms', '1.5 s', '60 s', '10 min', '25 h', '10 days'],
  ]);
  expect([listText([]), listText(['a']), listText(['a', 'b', 'c']), listText(['a', 'b', 'c'], 1)]).toEqual([
    ...['', 'a', 'a, b and c', 'a and 2 more'],
  ]);
});

test('no secret of the environment, of an address or of a signature gets out', () => {
  const env = { AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG', WEBHOOK_SECRET: 'whsec_oneoneone,whsec_twotwotwo' };
  const text =
    'wJalrXUtnFEMI/K7MDENG whsec_twotwotwo postgresql://me:pass@db/x http://s/?X-Amz-Signature=abc&X-Amz-Credential=k Bearer eyJ.x.y';
  const { fact, effect, remedy } = redactor(env)(failed(text, text, text));
  expect(fact).toBe(
    '[secret] [secret] postgresql://[secret]@db/x http://s/?X-Amz-Signature=[secret]&X-Amz-Credential=[secret] Bearer [secret]',
  );
  expect([effect, remedy]).toEqual([fact, fact]);
});
