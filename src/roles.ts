/** What one image can be, by its first argument. Each module runs when it is loaded. */
export const roles: Readonly<Record<string, () => Promise<unknown>>> = {
  api: () => import('./api/server.js'),
  worker: () => import('./worker.js'),
  migrate: () => import('./migrate.js'),
  setup: () => import('./setup.js'),
  token: () => import('./token.js'),
};
