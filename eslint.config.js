import tseslint from 'typescript-eslint';
import prettier from 'eslint-config-prettier';

/** Everything a folder must not import, as `no-restricted-imports` groups. */
const vendors = {
  s3: ['@aws-sdk/*', '@smithy/*'],
  postgres: ['pg', 'node-pg-migrate'],
  http: ['fastify', '@fastify/*'],
  temporal: ['@temporalio/*'],
  addresses: ['ipaddr.js'],
  node: ['node:*'],
};
/** Where a process begins: they hand their environment to `loadConfig`. */
const processEntries = [
  'src/worker.ts',
  'src/upload-worker.ts',
  'src/api/server.ts',
  'src/migrate.ts',
  'src/setup.ts',
  'src/main.ts',
  'src/token.ts',
];

const folders = [
  'sdk',
  'transfer',
  'host',
  'api',
  'temporal',
  'workflows',
  'activities',
  'storage',
  'db',
  'webhooks',
  'operator',
  'cli',
  'dev',
];

/**
 * A lint block for one folder of `src`: which sibling folders it may import (fully, or as types only) and which vendors.
 * The composition root (config, deps, worker, api/server) is free.
 */
function direction(folder, { imports = [], types = [], allow = [], ignores = [] }) {
  const patterns = folders
    .filter((other) => other !== folder && !imports.includes(other))
    .map((other) => ({
      group: [`**/${other}/*`, `**/${other}/**`],
      message: `src/${folder} must not import src/${other}: see "imports go one way" in docs/architecture.md`,
      allowTypeImports: types.includes(other),
    }));
  for (const [name, group] of Object.entries(vendors)) {
    if (!allow.includes(name)) patterns.push({ group, message: `src/${folder} must not use ${name} directly` });
  }
  return {
    files: [`src/${folder}/**/*.ts`],
    ignores,
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] },
  };
}

export default tseslint.config(
  { ignores: ['build/**', '.local/**', 'node_modules/**', 'examples/**/node_modules/**'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ['eslint.config.js'] } } },
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: ['test', 'it', 'describe', 'suite'] },
      ],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      'no-console': 'error',
      'max-params': ['error', 4],
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      eqeqeq: 'error',
    },
  },
  { files: ['src/**/*.ts'], rules: { '@typescript-eslint/explicit-module-boundary-types': 'error' } },
  {
    // The inferred type of what the factories return is the interface that workflows call.
    files: ['src/activities/**/*.ts'],
    rules: { '@typescript-eslint/explicit-module-boundary-types': 'off' },
  },
  direction('domain', {}),
  direction('storage', { allow: ['s3', 'node'] }),
  direction('db', { allow: ['postgres', 'node'] }),
  direction('webhooks', { allow: ['addresses', 'node'] }),
  direction('activities', { types: ['storage', 'db', 'webhooks'], allow: ['temporal', 'node'] }),
  direction('host', {
    imports: ['transfer', 'activities'],
    types: ['storage', 'temporal'],
    allow: ['temporal', 'node'],
  }),
  direction('workflows', { types: ['activities'], allow: ['temporal'] }),
  direction('temporal', { imports: ['workflows'], allow: ['temporal', 'node'] }),
  direction('transfer', { allow: ['node'] }),
  direction('sdk', { imports: ['transfer'], allow: ['node'] }),
  direction('operator', { imports: ['storage', 'db', 'temporal'], allow: ['node'] }),
  direction('cli', { imports: ['sdk', 'host', 'operator'], allow: ['node'] }),
  direction('api', {
    imports: ['temporal'],
    types: ['storage', 'db'],
    allow: ['http', 'node'],
    ignores: ['src/api/server.ts'],
  }),
  {
    // The only places that may read the environment.
    files: ['src/**/*.ts'],
    ignores: ['src/config.ts', 'src/dev/**', 'src/cli/**', ...processEntries],
    rules: {
      'no-restricted-properties': ['error', { object: 'process', property: 'env', message: 'Read src/config.ts' }],
    },
  },
  {
    // Programs talk to people; libraries log.
    files: ['src/cli/**', 'src/dev/**', 'bench/**', 'scripts/**', 'test/**', 'examples/**'],
    rules: { 'no-console': 'off' },
  },
  { files: ['test/**'], rules: { 'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }] } },
  { files: ['**/*.js'], ...tseslint.configs.disableTypeChecked },
  prettier,
);
