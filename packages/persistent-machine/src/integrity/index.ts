/** From a declaration to entities, CHECKs, indexes and triggers, and to the migrations that make them. */
export * from './differences';
export * from './entities';
export * from './generate';
export * from './NotGenerated';
