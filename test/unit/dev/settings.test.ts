import { describe, expect, it } from 'vitest';
import { readSettings, StackError } from '../../../src/dev/settings.js';

describe('the settings of the local stack', () => {
  it('start every server on its default port when the environment says nothing', () => {
    const { ports, external } = readSettings({});
    expect(Object.values(ports).map(({ port }) => port)).toEqual([8080, 7233, 8233, 5433, 7070]);
    expect(external).toEqual({ temporalAddress: null, databaseUrl: null, s3Endpoint: null });
  });

  it('take servers that run already from the variables the product reads too', () => {
    const { external } = readSettings({
      TEMPORAL_ADDRESS: 'temporal:7233',
      DATABASE_URL: 'postgresql://db/artifacts',
      S3_ENDPOINT: 'http://store:9000',
    });
    expect(external).toEqual({
      temporalAddress: 'temporal:7233',
      databaseUrl: 'postgresql://db/artifacts',
      s3Endpoint: 'http://store:9000',
    });
  });

  it('count a variable that is set to nothing as not set', () => {
    const { ports, external, bucket } = readSettings({ LOCAL_S3_PORT: '', S3_ENDPOINT: '', S3_BUCKET: '' });
    expect([ports.s3.port, external.s3Endpoint, bucket]).toEqual([7070, null, 'artifacts']);
  });

  it.each(['x', '-1', '65536', '80.5', '0x50', ' 80'])('refuse "%s" as a port and name the variable', (value) => {
    expect(() => readSettings({ LOCAL_POSTGRES_PORT: value })).toThrow(StackError);
    expect(() => readSettings({ LOCAL_POSTGRES_PORT: value })).toThrow(/LOCAL_POSTGRES_PORT/);
  });
});
