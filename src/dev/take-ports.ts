import { createServer } from 'node:net';
import { freePort } from './servers/ports.js';
import { StackError, type PortName, type PortSetting, type StackSettings } from './settings.js';

/**
 * The ports the stack is about to use, looked at before anything is started. A setting of 0 becomes a free port.
 * @throws StackError that lists every port that is taken, who needs it, and the variable that changes it.
 */
export async function takePorts(settings: StackSettings): Promise<Record<PortName, number>> {
  const { external, ports } = settings;
  const own: Record<PortName, boolean> = {
    api: true,
    temporal: external.temporalAddress === null,
    temporalUi: external.temporalAddress === null,
    postgres: external.databaseUrl === null,
    s3: external.s3Endpoint === null,
  };
  const taken: string[] = [];
  const choose = async (name: PortName): Promise<number> => {
    const setting = ports[name];
    if (!own[name]) return setting.port;
    if (setting.port === 0) return freePort();
    if (!(await isFree(setting.port))) taken.push(describe(setting));
    return setting.port;
  };
  const chosen = {
    api: await choose('api'),
    temporal: await choose('temporal'),
    temporalUi: await choose('temporalUi'),
    postgres: await choose('postgres'),
    s3: await choose('s3'),
  };
  if (taken.length > 0) throw new StackError(`The local stack cannot start:\n${taken.join('\n')}`);
  return chosen;
}

const describe = ({ owner, port, variable }: PortSetting): string =>
  `  Port ${port} for ${owner} is taken by another program. Stop that, or choose another port: ${variable}=${port + 1} npm start`;

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
