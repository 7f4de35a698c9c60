/** Derives entities, CHECKs, indexes and triggers from a declaration, and the migrations that create them. */
export * from './differences';
export * from './entities';
export * from './generate';
export * from './NotGenerated';
