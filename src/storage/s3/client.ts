import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { MINUTE_MS, SECOND_MS } from '../../domain/units.js';

/** How to reach one bucket. */
export interface S3ObjectStoreOptions {
  /** Must exist; `checkBucket` says so. */
  bucket: string;
  region: string;
  /** Base URL of an S3-compatible store; absent for AWS. */
  endpoint?: string;
  /** Base URL that clients reach, signed into URLs (the host is part of the signature). Default: `endpoint`. */
  publicEndpoint?: string;
  /** Static keys. Default: the AWS chain (environment, profile, role). */
  credentials?: { accessKeyId: string; secretAccessKey: string };
  /** For who looks whether it answers at all: one try, and so long until the answer begins. Default: three tries of 20 s. */
  impatience?: { requestTimeoutMs: number };
}

/** What every verb needs. */
export interface S3Context {
  bucket: string;
  client: S3Client;
  /** Only signs: it never sends anything. */
  presigner: S3Client;
}

/**
 * A request that waits for a free socket counts as connecting, so the pool must be larger than any burst of ours:
 * a connection timeout would otherwise hit requests that are only queued.
 */
const MAX_SOCKETS = 256;
const CONNECTION_TIMEOUT_MS = 3 * SECOND_MS;
/** Until the response begins. Together with two retries this bounds an ordinary call to a minute. */
const REQUEST_TIMEOUT_MS = 20 * SECOND_MS;
/** Joining parts and copying gigabytes can take minutes before a store says a word (S3 API, CompleteMultipartUpload). */
export const SLOW_REQUEST_TIMEOUT_MS = 10 * MINUTE_MS;
/** No byte in either direction. Longer than the slowest silence that is allowed above. */
const SOCKET_TIMEOUT_MS = SLOW_REQUEST_TIMEOUT_MS + MINUTE_MS;
const MAX_ATTEMPTS = 3;

/** Opens nothing yet: sockets come with the first request. */
export function createS3Context(options: S3ObjectStoreOptions): S3Context {
  const common: S3ClientConfig = {
    region: options.region,
    maxAttempts: options.impatience === undefined ? MAX_ATTEMPTS : 1,
    // CRC64NVME is computed in JavaScript at a third of the speed of a disk, and what we read we hash ourselves.
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
  };
  const publicEndpoint = options.publicEndpoint ?? options.endpoint;
  return {
    bucket: options.bucket,
    client: new S3Client({
      ...common,
      ...addressing(options.endpoint),
      // Many S3-compatible stores refuse the checksum headers that AWS gets by default.
      requestChecksumCalculation: options.endpoint === undefined ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED',
      // Some stores and proxies never answer `100 Continue`, and our bodies are small.
      expectContinueHeader: false,
      requestHandler: new NodeHttpHandler({
        connectionTimeout: CONNECTION_TIMEOUT_MS,
        requestTimeout: options.impatience?.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
        throwOnRequestTimeout: true,
        socketTimeout: SOCKET_TIMEOUT_MS,
        httpAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
        httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
      }),
    }),
    presigner: new S3Client({
      ...common,
      ...addressing(publicEndpoint),
      // Otherwise the CRC32 of an empty body is signed into every upload URL.
      requestChecksumCalculation: 'WHEN_REQUIRED',
    }),
  };
}

const addressing = (endpoint: string | undefined): S3ClientConfig =>
  endpoint === undefined ? {} : { endpoint, forcePathStyle: true };
