/** SWC transpiles only; `npm run check` type-checks. No metadata is emitted: every type is given explicitly. */
const shared = {
  testEnvironment: 'node',
  // The engine as it is written, not as it was built.
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons'] },
  globalSetup: '<rootDir>/test/harness/globalSetup.ts',
  globalTeardown: '<rootDir>/test/harness/globalTeardown.ts',
  transform: {
    // By `.swcrc`.
    '\\.ts$': '@swc/jest',
    // Node lets a module of ECMAScript be required; jest does not.
    'node_modules/jose/.*\\.js$': [
      '@swc/jest',
      { swcrc: false, jsc: { target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!jose/)'],
};

const EMBEDDED = 'packages/persistent-machine/test/database/embedded';

module.exports = {
  projects: [
    {
      ...shared,
      displayName: 'main',
      testMatch: [
        '<rootDir>/test/**/*.test.ts',
        '<rootDir>/packages/*/test/**/*.test.ts',
        '<rootDir>/examples/orders/test/**/*.test.ts',
      ],
      testPathIgnorePatterns: [
        '/node_modules/',
        `<rootDir>/${EMBEDDED}/`,
        ...['browser', 'citus', 'clients', 'deploy', 'faults', 'overload'].map(
          (apart) => `<rootDir>/test/${apart}/`,
        ),
      ],
    },
    // Connections cut, servers killed, deadlines waited for.
    { ...shared, displayName: 'faults', testMatch: ['<rootDir>/test/faults/**/*.test.ts'] },
    // Measured against itself: nothing else should run meanwhile.
    { ...shared, displayName: 'overload', testMatch: ['<rootDir>/test/overload/**/*.test.ts'] },
    // Some thirty PostgreSQL clusters, made, killed and found again.
    { ...shared, displayName: 'embedded', testMatch: [`<rootDir>/${EMBEDDED}/**/*.test.ts`] },
    // With what a production has beside the server, from Debian's packages: replica, PgBouncer, nginx.
    { ...shared, displayName: 'deploy', testMatch: ['<rootDir>/test/deploy/**/*.test.ts'] },
    // The tests of the API again, behind what TEST_TOPOLOGY names.
    { ...shared, displayName: 'topologies', testMatch: ['<rootDir>/test/api/**/*.test.ts'] },
    // On a Citus cluster that runs already.
    {
      ...shared,
      displayName: 'citus',
      testMatch: ['<rootDir>/test/{api,citus,faults}/**/*.test.ts'],
    },
    // In band: one browser keeps both processors busy. Beside a second one it takes as long, and the server comes
    // so late that it refuses as overloaded.
    { ...shared, displayName: 'browser', testMatch: ['<rootDir>/test/browser/**/*.test.ts'] },
    {
      ...shared,
      displayName: 'clients',
      testMatch: ['<rootDir>/test/clients/**/*.test.ts'],
      transform: {
        // As a frontend that uses Relay builds its own: the plugin replaces the documents by what was compiled.
        'examples/clients/relay/.*\\.ts$': [
          'babel-jest',
          {
            cwd: `${__dirname}/examples/clients`,
            plugins: ['relay', '@babel/transform-modules-commonjs'],
            presets: ['@babel/typescript'],
          },
        ],
        ...shared.transform,
      },
    },
  ],
  // For what hangs: on no machine, however busy, is a test as slow.
  testTimeout: 600_000,
  // They wait for databases more than they compute: jest's default would leave a processor idle.
  maxWorkers: '100%',
};
