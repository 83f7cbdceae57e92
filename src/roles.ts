/** What one image can be, by its first argument. Each module runs when it is loaded. */
export const roles: Readonly<Record<string, () => Promise<unknown>>> = {
  api: () => import('./api/server.js'),
  worker: () => import('./worker.js'),
  'upload-worker': () => import('./upload-worker.js'),
  migrate: () => import('./migrate.js'),
  setup: () => import('./setup.js'),
};

/** What a person runs in the image by hand. */
export const tools: Readonly<Record<string, () => Promise<unknown>>> = {
  token: () => import('./token.js'),
};
