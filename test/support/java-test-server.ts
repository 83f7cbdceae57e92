import { chmod, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cachedServer } from '../../src/dev/servers/cache.js';
import { findOnPath, runToEnd } from '../../src/dev/servers/run.js';

const VERSION = '1.38.0';

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>durable-artifacts</groupId>
  <artifactId>java-test-server</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>io.temporal</groupId>
      <artifactId>temporal-test-server</artifactId>
      <version>${VERSION}</version>
    </dependency>
  </dependencies>
</project>
`;

/** The SDK passes the port and nothing else. The script finds the jars beside it. */
const RUN_SCRIPT = `#!/bin/sh
exec java -cp "$(dirname "$0")/lib/*" io.temporal.testserver.TestServer "$@"
`;

/**
 * The Java test server, which skips time: fetched from Maven Central with its dependencies (40 jars, 38 MB) the first time.
 * @returns an executable for `TestWorkflowEnvironment.createTimeSkipping({ server: { executable: { type: 'existing-path', … } } })`,
 *   or why there is none: the tests that need it are then reported as skipped.
 */
export async function findJavaTestServer(
  onProgress: (line: string) => void = () => undefined,
): Promise<{ path: string } | { missing: string }> {
  for (const command of ['java', 'mvn'])
    if (findOnPath(command) === null) return { missing: `"${command}" is not on PATH` };
  const directory = await cachedServer('temporal-test-server', VERSION, (target) => fetchJars(target, onProgress));
  return { path: join(directory, 'run') };
}

async function fetchJars(target: string, onProgress: (line: string) => void): Promise<void> {
  onProgress(`fetching the Temporal test server ${VERSION} from Maven (38 MB, once)`);
  const project = await mkdtemp(join(tmpdir(), 'java-test-server-'));
  try {
    await writeFile(join(project, 'pom.xml'), POM);
    await runToEnd('mvn', [
      '--batch-mode',
      '--quiet',
      '--file',
      join(project, 'pom.xml'),
      'dependency:copy-dependencies',
      `-DoutputDirectory=${join(project, 'lib')}`,
      '-DincludeScope=runtime',
    ]);
    await cp(join(project, 'lib'), join(target, 'lib'), { recursive: true });
    await writeFile(join(target, 'run'), RUN_SCRIPT);
    await chmod(join(target, 'run'), 0o755);
  } finally {
    await rm(project, { recursive: true, force: true });
  }
}
