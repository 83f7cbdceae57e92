import type { Verdict } from './verdicts.js';

/** Variables whose values are nobody's business. */
const SECRET_VARIABLES = [
  ...['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AUTH_JWT_SECRET', 'TEMPORAL_API_KEY', 'WEBHOOK_SECRET'],
  'ARTIFACTS_TOKEN',
];
/** Shorter ones are words that occur by themselves: those of stores on one's own machine. */
const LEAST_LENGTH = 12;

/** The last line of defence: whatever a driver writes into its messages, no secret gets out. Checks themselves never say one. */
export function redactor(env: Record<string, string | undefined>): <V extends Verdict>(verdict: V) => V {
  const secrets = SECRET_VARIABLES.flatMap((name) => (env[name] ?? '').split(',')).filter(
    (value) => value.length >= LEAST_LENGTH,
  );
  const redact = (text: string): string =>
    secrets
      .reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text)
      .replaceAll(/:\/\/[^\s/@]+@/g, '://[secret]@')
      .replaceAll(/(X-Amz-(?:Signature|Credential|Security-Token))=[^&\s"]+/gi, '$1=[secret]')
      .replaceAll(/\bBearer\s+\S+/g, 'Bearer [secret]');
  return (verdict) => ({
    ...verdict,
    fact: redact(verdict.fact),
    ...(verdict.effect === undefined ? {} : { effect: redact(verdict.effect) }),
    ...(verdict.remedy === undefined ? {} : { remedy: redact(verdict.remedy) }),
  });
}
