import { describe, expect, it } from 'vitest';
import { terraformOf } from '../../../../src/domain/bucket/terraform.js';
import { wantedBucket } from '../../../../src/domain/bucket/wanted.js';
import { wishes } from '../../../support/bucket-wishes.js';

const text = (given?: Parameters<typeof wishes>[0]): string => terraformOf('artifacts', wantedBucket(wishes(given)));
/** One resource, without its indentation. */
const resource = (type: string, given?: Parameters<typeof wishes>[0]): string =>
  new RegExp(`resource "${type}" "artifacts" \\{\n([^]*?)\n\\}\n`).exec(text(given))?.[1]?.replaceAll(/^ +/gm, '') ??
  '';

describe('the wanted configuration in the language of Terraform', () => {
  it('has a resource for each part that has something in it', () => {
    const types = (written: string): string[] =>
      [...written.matchAll(/^resource "aws_s3_bucket_(\w+)"/gm)].map(([, type]) => type ?? '');
    const parts = ['public_access_block', 'ownership_controls', 'server_side_encryption_configuration', 'versioning'];
    expect(types(text())).toEqual([...parts, 'lifecycle_configuration', 'policy']);
    expect(types(text({ overTls: false }))).toEqual([...parts, 'lifecycle_configuration']);
    expect(types(text({ corsOrigins: ['https://app.example'] }))).toContain('cors_configuration');
  });

  it('writes rules as the provider reads them', () => {
    const lifecycle = resource('aws_s3_bucket_lifecycle_configuration');
    expect(lifecycle).toContain(
      'rule {\nid     = "ExpireOldArtifacts"\nstatus = "Enabled"\n\nfilter {\nand {\nprefix = "artifacts/"\n' +
        'tags   = { "artifact-retention" = "expiring" }\n}\n}\n\nexpiration {\ndays = 365\n}\n}\n',
    );
    expect(lifecycle).toContain(
      'filter {\nprefix = "artifacts/"\n}\n\nabort_incomplete_multipart_upload {\ndays_after_initiation = 8\n}\n',
    );
    expect(lifecycle).toContain('transition {\ndays          = 90\nstorage_class = "GLACIER"\n}\n');
    expect(lifecycle).toContain('expired_object_delete_marker = true');
    expect(
      resource('aws_s3_bucket_server_side_encryption_configuration', { kmsKey: 'arn:aws:kms:eu:1:key/a' }),
    ).toContain(
      'apply_server_side_encryption_by_default {\nsse_algorithm     = "aws:kms"\nkms_master_key_id = "arn:aws:kms:eu:1:key/a"\n}',
    );
    expect(resource('aws_s3_bucket_versioning')).toContain('versioning_configuration {\nstatus = "Enabled"\n}');
  });

  it('begins no template where a text has one', () => {
    expect(text({ roles: { api: 'arn:aws:iam::123456789012:role/${x}' } })).toContain('role/$${x}');
  });
});
