/** What tests start from: a real PostgreSQL, a store on it, or the whole server. */
export * from './graphql';
export * from './postgres';
export * from './server';
export * from './store';
export * from './warnings';
