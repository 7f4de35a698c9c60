/** The machine, whichever it is. Imports nothing from outside this folder, and must not. */
export * from './definition';
export * from './errors';
export * from './guard';
export * from './record';
export * from './succession';
