import type { Config } from '../../../config.js';
import { openBucketSettings, openStore } from '../../../deps.js';
import { ArtifactError } from '../../../domain/errors.js';
import { PROBE_PREFIX } from '../../../domain/keys.js';
import { SECOND_MS } from '../../../domain/units.js';
import type { ObjectStore } from '../../../storage/object-store.js';
import { openProbe, type StoreProbe } from '../../../storage/probe.js';
import { clockVerdict, durationText } from '../rules.js';
import type { AreaChecks, Check } from '../run-checks.js';
import { degraded, failed, ok, skipped, type Verdict } from '../verdicts.js';
import { bucketChecks } from './bucket.js';
import { databasesVerdict } from './bucket-databases.js';
import { credentialsVerdict, undeleteVerdict } from './configuration.js';

/** Until an answer begins; each check consists of a few. */
const REQUEST_TIMEOUT_MS = 4 * SECOND_MS;
const LATENCY_TIMES = 5;
const SLOW_MS = SECOND_MS;
/** Resolution of the `Date` header, of which we know the second only. */
const DATE_ACCURACY_MS = SECOND_MS / 2;
const READ_BACK = 'Uploads are read back after they came, which takes time and reads each file once more.';

/** Bucket and store, tried out with throw-away objects, all of which are gone afterwards. */
export function storeChecks(config: Config, signal: AbortSignal): AreaChecks {
  const impatience = { requestTimeoutMs: REQUEST_TIMEOUT_MS };
  const { S3_PUBLIC_ENDPOINT: publicEndpoint, ...internal } = config;
  const store = openStore(internal, { impatience });
  const settings = openBucketSettings(internal, { impatience });
  const probe = openProbe(store, { signal });
  let cleaned = false;
  const clean = async (): Promise<void> => {
    await probe.clean();
    cleaned = true;
  };
  return {
    area: 'store',
    target: `bucket ${config.S3_BUCKET} at ${addressOf(config.S3_ENDPOINT) ?? `AWS, ${config.S3_REGION}`}`,
    checks: [
      { name: 'bucket', ask: () => bucketVerdict(store) },
      { name: 'databases', ask: () => databasesVerdict(config, store) },
      ...questions(config, probe),
      ...bucketChecks(config, settings),
      ...(publicEndpoint === undefined ? [] : [publicCheck(config, signal)]),
      { name: 'left behind', always: true, ask: () => cleanedVerdict(clean) },
    ],
    close: async () => {
      // Interrupted, or given up before it was its turn.
      if (!cleaned) await clean().catch(() => undefined);
      store.close();
      settings.close();
    },
  };
}

const addressOf = (url: string | undefined): string | undefined =>
  url === undefined ? undefined : URL.canParse(url) ? new URL(url).origin : 'an address that is none';

async function bucketVerdict(store: ObjectStore): Promise<Verdict> {
  try {
    const sinceMs = performance.now();
    await store.checkBucket();
    return ok(`it is there, and answers in ${durationText(performance.now() - sinceMs)}`);
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    const effect = 'No upload, no download, no deletion.';
    if (error.code === 'bucket_not_found')
      return failed('there is no bucket of this name', effect, 'Create it, with versioning on, or correct S3_BUCKET.');
    const { storeStatus } = error.details;
    if (error.code === 'storage_rejected' && storeStatus !== 401 && storeStatus !== 403)
      return failed(
        `what answers refuses to tell of the bucket${codeText(error)}`,
        effect,
        'Correct S3_ENDPOINT and S3_REGION: is it a store that speaks the protocol of S3?',
      );
    if (error.code === 'storage_rejected')
      return failed(
        `the store refuses these credentials${codeText(error)}`,
        effect,
        'Correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or the role), S3_REGION, and what they may do.',
      );
    return failed(
      `the store does not answer${codeText(error)}`,
      effect,
      'Correct S3_ENDPOINT, or start the store; look at the network between.',
    );
  }
}

function codeText({ details, cause }: ArtifactError): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : details['storeCode'];
  return typeof code === 'string' && code !== '' ? ` (${code})` : '';
}

function questions(config: Config, probe: StoreProbe): Check[] {
  let keepsVersions = false;
  let hasClasses = false;
  const needs = 'write and read';
  return [
    {
      name: 'write and read',
      ask: async () => {
        const { putMs, getMs } = await probe.latency(LATENCY_TIMES);
        const fact = `1 KiB written in ${durationText(putMs)}, read in ${durationText(getMs)} (median of ${LATENCY_TIMES})`;
        if (Math.max(putMs, getMs) < SLOW_MS) return ok(fact);
        return degraded(fact, 'Every verb that touches bytes takes as long.', 'Run workers and API near the bucket.');
      },
    },
    {
      name: 'versions',
      needs,
      ask: async () => {
        keepsVersions = await probe.keepsVersions();
        if (!keepsVersions)
          return degraded(
            'the bucket keeps no versions',
            'Deletions cannot be undone, and what overwrites an object destroys it.',
            'Turn on the versioning of the bucket.',
          );
        if (await probe.hidesBehindMarkers()) return ok('kept; a delete marker hides an object, and it comes back');
        return failed(
          'kept, but a delete marker does not hide an object that can come back',
          'Deletions cannot be undone.',
          'Look at what the store says about delete markers; it is not like S3.',
        );
      },
    },
    { name: 'undelete', needs: 'versions', ask: () => undeleteVerdict(config, keepsVersions) },
    {
      name: 'conditional writes',
      needs,
      ask: async () =>
        (await probe.writesConditionally())
          ? ok('If-None-Match is honoured')
          : degraded(
              'If-None-Match is not honoured',
              'Of two workers that write one metadata.json at once the slower one wins; it is written again after the next change.',
              'Use a store that knows conditional writes.',
            ),
    },
    {
      name: 'checksums',
      needs,
      ask: async () => {
        const whole = await probe.refusesOtherBytes();
        const part = await probe.refusesOtherPart();
        if (whole && part) return ok('other bytes than were signed are refused, whole and in parts');
        const of = [...(whole ? [] : ['whole objects']), ...(part ? [] : ['parts'])].join(' and ');
        return degraded(
          `other bytes than were signed are accepted: ${of}`,
          READ_BACK,
          'Use a store that compares them.',
        );
      },
    },
    {
      name: 'storage classes',
      needs,
      ask: async () => {
        hasClasses = await probe.hasStorageClasses();
        if (hasClasses) return ok('a copy to GLACIER is in GLACIER');
        return degraded(
          'none: a copy to GLACIER is refused',
          'WARM and COLD (ARCHIVED) are names only: nothing becomes cheaper, and everything stays readable at once.',
          'Nothing, if that is meant; else use a store with storage classes.',
        );
      },
    },
    {
      name: 'restore',
      needs: 'storage classes',
      ask: async () => {
        if (!hasClasses) return skipped('nothing is archived for real here, so nothing has to be restored');
        if (await probe.restores()) return ok('what is in GLACIER can be asked back');
        return failed(
          'RestoreObject is refused',
          'What was archived cannot be read any more.',
          'Set COLD_AFTER_DAYS to 0, or use a store that restores.',
        );
      },
    },
    {
      name: 'tags',
      needs,
      ask: async () =>
        (await probe.keepsTags())
          ? ok('written with the object, read, and replaced')
          : failed(
              'they are not read as they were written',
              'The rules of the bucket cannot tell what may expire from what is kept for ever.',
              'Do not let rules of the bucket delete anything; use a store that keeps tags.',
            ),
    },
    {
      name: 'signed URLs',
      needs,
      ask: async () => {
        const { status } = await probe.signedGet();
        if (status === 200) return ok('a signed GET is answered');
        return failed(
          `a signed GET is answered with ${status}`,
          'Nobody uploads or downloads by signed URLs.',
          'Look at the clock, the credentials, and at proxies that change host or path.',
        );
      },
    },
    {
      name: 'expiry of URLs',
      needs: 'signed URLs',
      ask: async () =>
        (await probe.refusesExpired())
          ? ok('a URL of one second is refused after it')
          : degraded(
              'a URL of one second still works after three',
              'Whoever got a signed URL may use it for ever.',
              'Use a store that checks signatures; do not let others reach this one.',
            ),
    },
    {
      name: 'forged URLs',
      needs: 'signed URLs',
      ask: async () =>
        (await probe.refusesTampering())
          ? ok('a URL with another signature is refused')
          : degraded(
              'a URL with another signature is answered',
              'Anyone reads and writes anything in this bucket.',
              'Use a store that checks signatures; do not let others reach this one.',
            ),
    },
    {
      name: 'credentials',
      needs,
      ask: async () => {
        const seconds = Math.max(config.PRESIGN_UPLOAD_SECONDS, config.PRESIGN_DOWNLOAD_MAX_SECONDS);
        return credentialsVerdict(seconds, await probe.signedLifeMs(seconds));
      },
    },
    {
      name: 'clock',
      needs,
      ask: async () => {
        const beganMs = Date.now();
        const { storeMs } = await probe.signedGet();
        const nowMs = (beganMs + Date.now()) / 2;
        if (storeMs === null) return skipped('the store does not tell its time');
        const aheadMs = storeMs + DATE_ACCURACY_MS - nowMs;
        return clockVerdict('the store', { aheadMs, accuracyMs: DATE_ACCURACY_MS + (Date.now() - beganMs) / 2 });
      },
    },
  ];
}

/** What clients reach need not be reachable from here; but where it is, it must be the same store. */
function publicCheck(config: Config, signal: AbortSignal): Check {
  return {
    name: 'public endpoint',
    needs: 'signed URLs',
    ask: async () => {
      const store = openStore(config, { impatience: { requestTimeoutMs: REQUEST_TIMEOUT_MS } });
      const probe = openProbe(store, { signal });
      const at = addressOf(config.S3_PUBLIC_ENDPOINT) ?? '';
      try {
        const { status } = await probe.signedGet();
        if (status === 200) return ok(`a signed GET is answered at ${at}`);
        return degraded(
          `a signed GET is answered with ${status} at ${at}`,
          'Clients that are sent there neither upload nor download.',
          'Correct S3_PUBLIC_ENDPOINT; a proxy there must leave host and path as they are.',
        );
      } catch (error) {
        if (!(error instanceof ArtifactError) || error.code !== 'storage_unavailable') throw error;
        return degraded(
          `${at} does not answer from here`,
          'If it does not answer clients either, they neither upload nor download.',
          'Correct S3_PUBLIC_ENDPOINT, unless only clients are meant to reach it.',
        );
      } finally {
        await probe.clean();
        store.close();
      }
    },
  };
}

async function cleanedVerdict(clean: () => Promise<void>): Promise<Verdict> {
  try {
    await clean();
    return ok('nothing: what was written for this is removed');
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return degraded(
      message,
      `Some small objects stay below ${PROBE_PREFIX}, and take a few bytes.`,
      `Remove everything below ${PROBE_PREFIX}: nothing else is ever there. Allow s3:DeleteObjectVersion.`,
    );
  }
}
