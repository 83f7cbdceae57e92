import { createReadStream } from 'node:fs';
import { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';

/** A peer, run as a process of its own: lib-storage with its defaults. Keys come from the environment, as everywhere with the SDK. */
const [endpoint = '', region = '', bucket = '', key = '', path = ''] = process.argv.slice(2);
const client = new S3Client({ endpoint, region, forcePathStyle: true });
await new Upload({ client, params: { Bucket: bucket, Key: key, Body: createReadStream(path) } }).done();
client.destroy();
