/**
 * The machine: its declaration, the base of its phases, and what is derived from both. Imports nothing from outside.
 */
export type { AnyClasses } from './classes';
export * from './columns';
export * from './declaration';
export * from './diagram';
export * from './generic';
export * from './guard';
export * from './lifecycle';
export * from './machine';
export type { Phase, PhaseBase } from './phase';
export type { RecordIn } from './reading';
export * from './record';
export * from './refusals';
