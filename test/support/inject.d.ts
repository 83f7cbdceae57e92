import 'vitest';

declare module 'vitest' {
  /**
   * What `test/support/global-setup.ts` started for the whole run. Read it with `inject(name)`; it is only there in the
   * projects that ask for it (see `needs` in the setup).
   */
  interface ProvidedContext {
    /** host:port of the Temporal dev server; namespace `default` has the product's search attributes. */
    temporalAddress: string;
    /** The Temporal command line, to send signals as an operator would. */
    temporalBinary: string;
    /** A Postgres superuser's URL; make a database of your own in it. */
    databaseUrl: string;
    /** An S3 store that enforces signatures and checksums, without storage classes. */
    versitygw: { endpoint: string; accessKey: string; secretKey: string; dataDir: string };
    /** An S3 store with storage classes and restore that accepts any bytes. */
    moto: { endpoint: string };
    /** Executable of a headless browser. */
    chromium: string;
    /** Executable that starts the Java test server (the one that skips time); null when Java or Maven is missing. */
    javaTestServer: string | null;
    /** File with the workflows of the product, bundled for workers. */
    workflowBundle: string;
  }
}
