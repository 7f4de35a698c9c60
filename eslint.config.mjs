import graphql from '@graphql-eslint/eslint-plugin';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  {
    ignores: [
      '**/dist/',
      'node_modules/',
      '.data/',
      '.dependency-cruiser.cjs',
      'jest.config.js',
      '**/__generated__/',
      'web/src/graphql/',
    ],
  },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      // A decorated parameter may be there for the schema alone.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      // What others call as a promise is `async`, whether or not it waits for anything today.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
    },
  },
  {
    // A wall clock is set, forward and back: what waits goes by `performance.now()`.
    files: ['src/**/*.ts', 'packages/*/src/**/*.ts'],
    ignores: [
      // When something occurs and is recorded, and how long that takes to be seen elsewhere.
      'packages/persistent-machine/src/application/machines.ts',
      'packages/persistent-machine/src/feed/LiveTail.ts',
      // A migration has the time at which it was written in its name.
      'packages/persistent-machine/src/migrationCommand.ts',
      // When a token expires.
      'packages/persistent-machine/src/server/authentication.ts',
      // The header `date` of what Node does not answer.
      'packages/persistent-machine/src/server/clientErrors.ts',
    ],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Use performance.now().' },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'NewExpression[callee.name="Date"][arguments.length=0]',
          message: 'Use performance.now(), or take the time as an argument.',
        },
      ],
    },
  },
  {
    // A test looks into answers of every shape, and fails where one is not as it says.
    files: ['test/**/*.ts', 'packages/*/test/**/*.ts', 'examples/orders/test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    // There, calling what does not exist is the point.
    files: ['test/types/*.ts', 'packages/*/test/types/*.ts'],
    rules: { '@typescript-eslint/no-unsafe-call': 'off' },
  },
  {
    files: ['schema.graphql'],
    extends: [graphql.configs['flat/schema-recommended'], graphql.configs['flat/schema-relay']],
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: './schema.graphql' } },
    },
    plugins: { '@graphql-eslint': graphql },
    rules: {
      '@graphql-eslint/require-description': [
        'error',
        {
          types: true,
          FieldDefinition: true,
          InputValueDefinition: true,
          EnumValueDefinition: true,
        },
      ],
      // Connections have `nodes` beside their `edges`, and a transition is a value.
      '@graphql-eslint/relay-edge-types': [
        'error',
        { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false },
      ],
      // Only lives have an identity. The rest are values, which a client's cache must not take for objects.
      '@graphql-eslint/strict-id-in-types': 'off',
    },
  },
);
