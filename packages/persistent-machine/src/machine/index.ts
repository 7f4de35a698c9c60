/** The machine: its declaration, the base of its phases, and what is derived from them. Imports nothing from outside. */
export * from './classes';
export * from './columns';
export * from './declaration';
export * from './diagram';
export * from './generic';
export * from './guard';
export * from './lifecycle';
export * from './machine';
export type { Phase } from './phase';
export * from './record';
export * from './refusals';
