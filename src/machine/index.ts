/** The machine of this application. Imports nothing but the engine's own floor `machine`, and must not. */
export * from 'persistent-machine/machine';
export * from './life';
