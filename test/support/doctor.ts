import { createServer, type AddressInfo, type Socket } from 'node:net';
import { examineAll, type DoctorProgress, type DoctorReport } from '../../src/operator/doctor/doctor.js';
import { runChecks, type AreaChecks } from '../../src/operator/doctor/run-checks.js';
import type { Area, CheckResult } from '../../src/operator/doctor/verdicts.js';
import type { TestStack, TestStackStore } from './stack.js';

type Env = Record<string, string>;

/** What a worker is given for this bucket. */
export const storeEnv = ({ endpoint, region, bucket, accessKeyId, secretAccessKey }: TestStackStore): Env => ({
  S3_ENDPOINT: endpoint,
  S3_REGION: region,
  S3_BUCKET: bucket,
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
});

/** Configuration of the worker of a stack. */
export const workerEnv = ({ databaseUrl, temporalAddress, namespace, store }: TestStack): Env => ({
  DATABASE_URL: databaseUrl,
  TEMPORAL_ADDRESS: temporalAddress,
  TEMPORAL_NAMESPACE: namespace,
  ...storeEnv(store),
});

export interface Examination {
  env: Env;
  apiUrl?: string;
  hosts?: string[];
  signal?: AbortSignal;
  onProgress?: (progress: DoctorProgress) => void;
}

export const examine = ({
  apiUrl,
  hosts = [],
  signal = new AbortController().signal,
  ...rest
}: Examination): Promise<DoctorReport> => examineAll({ ...rest, apiUrl: apiUrl ?? null, hosts, signal });

/** Only one area. */
export const examineArea = (area: AreaChecks): Promise<CheckResult[]> =>
  runChecks(area, { signal: new AbortController().signal, onBegin: () => undefined, onEnd: () => undefined });

export const checksOf = (report: DoctorReport, area: Area): CheckResult[] =>
  report.areas.find((one) => one.area === area)?.checks ?? [];

/** @throws when there is no check of this name. */
export function find(checks: CheckResult[], name: string): CheckResult {
  const found = checks.find(({ check }) => check === name);
  if (found === undefined)
    throw new Error(`no check is called ${name}: ${checks.map(({ check }) => check).join(', ')}`);
  return found;
}

/** `store clock: degraded`, of all that are neither fine nor skipped. */
export const complaintsOf = (report: DoctorReport): string[] =>
  report.areas
    .flatMap(({ checks }) => checks)
    .filter(({ status }) => status === 'degraded' || status === 'failed')
    .map(({ area, check, status }) => `${area} ${check}: ${status}`);

/** A port that takes connections and never says a word. */
export async function openSilentPort(): Promise<{ port: number; close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
