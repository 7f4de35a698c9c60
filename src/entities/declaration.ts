/** What a life's tables are derived from. */
export const life = {
  name: 'Life',
  plural: 'lives',
  bare: true,
  declaration: {
    columns: { bornAt: { kind: 'moment' }, diedAt: { kind: 'moment' } },
    initial: { event: 'Conception', to: 'Gestating' },
    events: {
      Conception: { at: 'createdAt' },
      Birth: { at: 'bornAt' },
      Death: { at: 'diedAt' },
    },
    states: {
      Gestating: { accepts: { Birth: 'Alive', Death: 'Dead' } },
      Alive: { has: ['bornAt'], accepts: { Death: 'Dead' } },
      Dead: { has: ['diedAt'], may: ['bornAt'] },
    },
  },
} as const;
