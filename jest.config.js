/** SWC transpiles only; `npm run check` type-checks. No metadata is emitted: every type is given explicitly. */
const shared = {
  testEnvironment: 'node',
  globalSetup: '<rootDir>/test/harness/globalSetup.ts',
  globalTeardown: '<rootDir>/test/harness/globalTeardown.ts',
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, useDefineForClassFields: true },
        },
        module: { type: 'commonjs', ignoreDynamic: true },
        sourceMaps: 'inline',
      },
    ],
    // Node lets a module of ECMAScript be required; jest does not.
    'node_modules/jose/.*\\.js$': [
      '@swc/jest',
      { swcrc: false, jsc: { target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!jose/)'],
};

module.exports = {
  projects: [
    {
      ...shared,
      displayName: 'main',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: [
        '/node_modules/',
        ...['browser', 'embedded', 'faults', 'overload'].map((apart) => `<rootDir>/test/${apart}/`),
      ],
    },
    // Connections cut, servers killed, deadlines waited for.
    { ...shared, displayName: 'faults', testMatch: ['<rootDir>/test/faults/**/*.test.ts'] },
    // Measured against itself: nothing else should run meanwhile.
    { ...shared, displayName: 'overload', testMatch: ['<rootDir>/test/overload/**/*.test.ts'] },
    // Some thirty PostgreSQL clusters, made, killed and found again.
    { ...shared, displayName: 'embedded', testMatch: ['<rootDir>/test/embedded/**/*.test.ts'] },
    { ...shared, displayName: 'browser', testMatch: ['<rootDir>/test/browser/**/*.test.ts'] },
  ],
  testTimeout: 30_000,
};
