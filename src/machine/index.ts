/** The machine: generic parts, and the life. Imports nothing from outside this folder, and must not. */
export * from './definition';
export * from './errors';
export * from './guard';
export * from './life';
export * from './record';
export * from './succession';
