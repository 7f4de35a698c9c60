/** What tests start from: a real PostgreSQL, a store on it, or a whole server. */
export * from '../../packages/persistent-machine/test/harness/graphql';
export * from '../../packages/persistent-machine/test/harness/warnings';
export * from './postgres';
export * from './server';
