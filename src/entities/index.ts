/** The tables, as TypeORM entities. */
export * from './Ledger';
export * from './Life';
export * from './LifeTransition';
