import { S3ServiceException } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { ArtifactError, type ErrorCode } from '../../../src/domain/errors.js';
import { isAbsent, translateError } from '../../../src/storage/s3/errors.js';

const call = { verb: 'read', bucket: 'artifacts', key: 'artifacts/1/output/a.txt' };

const fromStore = (name: string, httpStatusCode: number): S3ServiceException =>
  new S3ServiceException({ name, message: 'said the store', $fault: 'server', $metadata: { httpStatusCode } });

const fromNetwork = (code: string): Error => Object.assign(new Error(`connect ${code}`), { code });

const named = (name: string): Error => Object.assign(new Error('said the SDK'), { name });

describe('an error of the store', () => {
  test.for<[string, Error, ErrorCode]>([
    ['a missing bucket', fromStore('NoSuchBucket', 404), 'bucket_not_found'],
    ['no permission', fromStore('AccessDenied', 403), 'storage_rejected'],
    ['a wrong secret', fromStore('SignatureDoesNotMatch', 403), 'storage_rejected'],
    ['an unknown access key', fromStore('InvalidAccessKeyId', 403), 'storage_rejected'],
    ['a bucket of another region', fromStore('PermanentRedirect', 301), 'storage_rejected'],
    ['an archived object', fromStore('InvalidObjectState', 403), 'not_downloadable'],
    ['a verb the store lacks', fromStore('NotImplemented', 501), 'not_supported'],
    ['a nameless 501', fromStore('Unknown', 501), 'not_supported'],
    ['too many requests', fromStore('SlowDown', 503), 'storage_unavailable'],
    ['a broken store', fromStore('InternalError', 500), 'storage_unavailable'],
    ['a slow body', fromStore('RequestTimeout', 400), 'storage_unavailable'],
    ['an answer that is not S3', fromStore('SyntaxError', 200), 'storage_unavailable'],
    ['other bytes', fromStore('BadDigest', 400), 'checksum_mismatch'],
    ['a part that is not there', fromStore('InvalidPart', 400), 'upload_incomplete'],
    ['a range past the end', fromStore('InvalidRange', 416), 'range_not_satisfiable'],
    ['nobody listening', fromNetwork('ECONNREFUSED'), 'storage_unavailable'],
    ['an unknown host', fromNetwork('ENOTFOUND'), 'storage_unavailable'],
    ['no answer in time', named('TimeoutError'), 'storage_unavailable'],
    ['a caller who gave up', named('AbortError'), 'aborted'],
    ['no credentials', named('CredentialsProviderError'), 'storage_rejected'],
    ['a bug of ours', new TypeError('x is not a function'), 'internal'],
  ])('for %s becomes one of ours', ([, error, code]) => {
    const translated = translateError(error, call);
    expect(translated.code).toBe(code);
    expect(translated.cause).toBe(error);
    expect(translated.details).toMatchObject({ bucket: call.bucket, key: call.key });
  });

  test('that is ours already stays as it is', () => {
    const ours = new ArtifactError('upload_incomplete', 'parts are missing');
    expect(translateError(ours, call)).toBe(ours);
  });

  test('loses the raw response, which holds the signature of the request', () => {
    const error = fromStore('AccessDenied', 403);
    Object.assign(error, { $response: { headers: { authorization: 'AWS4-HMAC-SHA256 secret' } } });
    expect(translateError(error, call).cause).not.toHaveProperty('$response');
  });

  test('means an absent object only when the store says so by name', () => {
    expect(isAbsent(fromStore('NoSuchKey', 404))).toBe(true);
    expect(isAbsent(fromStore('NotFound', 404))).toBe(true);
    expect(isAbsent(fromStore('NoSuchBucket', 404))).toBe(false);
    expect(isAbsent(fromStore('XAdminUserNotFound', 404))).toBe(false);
    expect(isAbsent(fromNetwork('ECONNRESET'))).toBe(false);
  });
});
