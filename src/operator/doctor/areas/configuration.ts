import type { Config } from '../../../config.js';
import { DAY_MS, SECOND_MS } from '../../../domain/units.js';
import { durationText, isLoopback } from '../rules.js';
import type { AreaChecks } from '../run-checks.js';
import { degraded, failed, ok, skipped, type Verdict } from '../verdicts.js';

/** What the variables say by themselves. @param loaded the configuration, or why there is none. */
export function configurationChecks(loaded: Config | Error): AreaChecks {
  const loads =
    loaded instanceof Error
      ? failed(
          loaded.message
            .split('\n')
            .map((line) => line.trim())
            .join(' '),
          'No process starts with it.',
          'Correct these variables; the README has the table of all of them.',
        )
      : ok('every variable has a value that can be used');
  const rules = Object.entries(RULES).map(([name, rule]) => ({
    name,
    ask: (): Verdict => (loaded instanceof Error ? skipped('there is no configuration') : rule(loaded)),
  }));
  return { area: 'configuration', target: 'environment', checks: [{ name: 'values', ask: () => loads }, ...rules] };
}

/** Pure: what each variable means beside the others. */
export const RULES: Record<string, (config: Config) => Verdict> = {
  tiers: tiersVerdict,
  uploads: uploadsVerdict,
  warnings: warningsVerdict,
  shares: sharesVerdict,
  encryption: encryptionVerdict,
  'public addresses': publicVerdict,
  tokens: tokensVerdict,
};

const daysText = (days: number): string => (days === 0 ? 'never' : `after ${days} ${days === 1 ? 'day' : 'days'}`);

/** S3 takes an object into STANDARD_IA by a rule after 30 days at the earliest, and bills it for 30 days at least. */
const LEAST_WARM_DAYS = 30;

function tiersVerdict({ WARM_AFTER_DAYS: warm, COLD_AFTER_DAYS: cold, TIER_BY: by }: Config): Verdict {
  const fact = `WARM ${daysText(warm)}, COLD ${daysText(cold)}, by ${by === 'age' ? 'age' : 'last access'}`;
  if (warm > 0 && cold > 0 && warm >= cold)
    return degraded(fact, 'WARM never comes: COLD is first.', 'Set WARM_AFTER_DAYS below COLD_AFTER_DAYS, or to 0.');
  if (warm > 0 && warm < LEAST_WARM_DAYS)
    return degraded(
      fact,
      `STANDARD_IA is billed for ${LEAST_WARM_DAYS} days at least, so what is deleted sooner costs more than in STANDARD.`,
      `Set WARM_AFTER_DAYS to ${LEAST_WARM_DAYS} or more.`,
    );
  return ok(fact);
}

function uploadsVerdict(config: Config): Verdict {
  const urlMs = config.PRESIGN_UPLOAD_SECONDS * SECOND_MS;
  const deadlineMs = config.UPLOAD_DEADLINE_SECONDS * SECOND_MS;
  const fact = `given up after ${durationText(deadlineMs)}, their signed URLs live ${durationText(urlMs)}`;
  if (urlMs <= deadlineMs) return ok(fact);
  return degraded(
    fact,
    'A URL may still write an object whose upload was given up: those bytes belong to nobody.',
    'Set PRESIGN_UPLOAD_SECONDS to no more than UPLOAD_DEADLINE_SECONDS.',
  );
}

function warningsVerdict({ WARN_BEFORE_DAYS: warn, DEFAULT_RETENTION_DAYS: life }: Config): Verdict {
  const fact = warn === 0 ? 'nobody is warned before an expiry' : `${warn} days before the end of ${life} by default`;
  if (warn === 0)
    return degraded(fact, 'Artifacts expire without a word.', 'Set WARN_BEFORE_DAYS, unless that is meant.');
  if (warn < life) return ok(fact);
  return degraded(
    fact,
    'The warning comes at half of the life instead.',
    'Set WARN_BEFORE_DAYS below DEFAULT_RETENTION_DAYS.',
  );
}

function sharesVerdict({ SHARE_DEFAULT_DAYS: life, SHARE_MAX_DAYS: most }: Config): Verdict {
  const fact = `links live ${life} days, at most ${most}`;
  if (life <= most) return ok(fact);
  return degraded(
    fact,
    `A link that asks for nothing lives ${most} days.`,
    'Set SHARE_DEFAULT_DAYS to no more than SHARE_MAX_DAYS.',
  );
}

function encryptionVerdict(config: Config): Verdict {
  const open = [
    ...(isOpen(config.S3_ENDPOINT) ? ['S3_ENDPOINT'] : []),
    ...(isOpen(config.S3_PUBLIC_ENDPOINT) ? ['S3_PUBLIC_ENDPOINT'] : []),
    ...(isOpen(config.API_PUBLIC_URL) ? ['API_PUBLIC_URL'] : []),
    ...(isOpenTemporal(config) ? ['TEMPORAL_ADDRESS'] : []),
  ];
  if (open.length === 0) return ok('nothing leaves this machine in the clear, as far as the addresses tell');
  return degraded(
    `in the clear to another machine: ${open.join(', ')}`,
    'Whoever is on the way reads files, or uses the signed URLs.',
    'Use https:// (and TEMPORAL_TLS=true), unless the network itself is trusted.',
  );
}

const isOpen = (url: string | undefined): boolean =>
  url !== undefined && URL.canParse(url) && new URL(url).protocol === 'http:' && !isLoopback(new URL(url).hostname);

const isOpenTemporal = ({ TEMPORAL_ADDRESS: address, TEMPORAL_TLS: tls, TEMPORAL_API_KEY: key }: Config): boolean =>
  !tls && key === undefined && !isLoopback(address.replace(/:\d+$/, ''));

/** Clients get signed URLs and share links: an address that only this machine knows is of no use to them. */
function publicVerdict(config: Config): Verdict {
  const { S3_ENDPOINT: own, S3_PUBLIC_ENDPOINT: clients, API_HOST: host, API_PUBLIC_URL: links } = config;
  const signed = clients ?? own;
  const isPublic = !isLoopback(host);
  const fact = `signed URLs go to ${signed === undefined ? 'AWS' : hostOf(signed)}, share links to ${links === undefined ? 'where the API listens' : hostOf(links)}`;
  if (isPublic && signed !== undefined && isLoopback(hostnameOf(signed)))
    return degraded(
      fact,
      'The API can be reached from other machines, but they can neither upload nor download.',
      'Set S3_PUBLIC_ENDPOINT to the address by which clients reach the store.',
    );
  if (isPublic && links === undefined)
    return degraded(
      fact,
      'Share links name the address the API listens on, which others may not reach.',
      'Set API_PUBLIC_URL to what others type.',
    );
  return ok(fact);
}

const hostnameOf = (url: string): string => (URL.canParse(url) ? new URL(url).hostname : '');
const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : 'an address that is none');

function tokensVerdict({ AUTH_JWT_SECRET: secret, AUTH_JWKS_URL: keys, API_HOST: host }: Config): Verdict {
  if (secret === undefined && keys === undefined)
    return skipped('neither AUTH_JWT_SECRET nor AUTH_JWKS_URL is set here: only the API needs one of them');
  if (secret !== undefined && keys !== undefined)
    return failed(
      'both AUTH_JWT_SECRET and AUTH_JWKS_URL are set',
      'The API does not start: it would not know whose tokens count.',
      'Set one of them.',
    );
  if (secret !== undefined && !isLoopback(host))
    return degraded(
      'tokens are signed with a shared secret, and other machines reach the API',
      'Whoever knows the secret is anybody.',
      'Use the keys of your issuer: AUTH_JWKS_URL.',
    );
  return ok(
    secret === undefined ? `by the keys at ${hostOf(keys ?? '')}` : 'by a shared secret, for this machine only',
  );
}

/** What can be undone, once it is known whether the bucket keeps versions. */
export function undeleteVerdict(config: Config, keepsVersions: boolean): Verdict {
  const { UNDELETE_DAYS: deleted, UNDELETE_EXPIRED_DAYS: expired } = config;
  const fact = `what was deleted ${windowText(deleted)}, what expired ${windowText(expired)}`;
  if (keepsVersions || (deleted === 0 && expired === 0)) return ok(fact);
  return degraded(
    `${fact}, but the bucket keeps no versions`,
    'Nothing can be brought back: bytes go at once.',
    'Turn on the versioning of the bucket, or set UNDELETE_DAYS and UNDELETE_EXPIRED_DAYS to 0.',
  );
}

const windowText = (days: number): string => (days === 0 ? 'is gone at once' : `comes back for ${days} days`);

/** Signed URLs die with the credentials that sign them. @param livesMs of one that was to live `seconds`. */
export function credentialsVerdict(seconds: number, livesMs: number): Verdict {
  const askedMs = seconds * SECOND_MS;
  // It was asked for a moment ago.
  if (livesMs > askedMs - 2 * SECOND_MS)
    return ok(`signed URLs live as long as they were asked to: ${durationText(askedMs)}`);
  return degraded(
    `the credentials end in ${durationText(livesMs)}, and signed URLs with them`,
    `URLs that were asked to live ${durationText(askedMs)} die before; slow uploads and downloads are cut off.`,
    askedMs > DAY_MS / 24
      ? 'Set PRESIGN_UPLOAD_SECONDS and PRESIGN_DOWNLOAD_MAX_SECONDS below the life of the credentials, or use static ones.'
      : 'Use credentials that live longer: a role of at least as many hours, or static ones.',
  );
}
