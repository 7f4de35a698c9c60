/** A change by hand, as SQL, in its steps, each of which can be made wrong; and the lives on which it is tried. */

// Lives in each phase. Attempts are made on them; no refused one may change any of them.
export const gestating = '01990000-0000-7000-8000-000000000001';
export const alive = '01990000-0000-7000-8000-000000000002';
export const dead = '01990000-0000-7000-8000-000000000003';
export const stillborn = '01990000-0000-7000-8000-000000000004';
export const bystanders = [gestating, alive, dead, stillborn];
/** Of no life. */
export const nobody = '01990000-0000-7000-8000-000000000009';

// Before the bystanders were conceived; when all that happened to them did; when what is tried does.
export const LONG_AGO = "'2025-01-01T12:00Z'";
export const BEFORE = "'2026-01-01T12:00Z'";
export const NOW = "'2026-06-01T12:00Z'";

/** Columns, and for each an SQL expression. */
export type Columns = Readonly<Record<string, string>>;

// A change by hand, in its three steps, each of which can be made wrong.

/** By so many positions, and by so many lives in each state. */
export function ledgerMoves(lives: Readonly<Record<string, number>>, positions = 1): string {
  const counts = Object.entries(lives).map(
    ([state, number]) => `'${state}', coalesce(counts ->> '${state}', '0')::bigint + ${number}`,
  );
  return `UPDATE ledger SET position = position + ${positions},
          counts = counts || jsonb_build_object(${counts.join(', ')})`;
}

export function conceived(id: string, columns: Columns = {}): string {
  const all: Columns = {
    id: `'${id}'`,
    version: '1',
    state_type: "'Gestating'",
    created_at: NOW,
    updated_at: NOW,
    ...columns,
  };
  return `INSERT INTO lives (${Object.keys(all).join(', ')})
          VALUES (${Object.values(all).join(', ')})`;
}

export function changed(id: string, columns: Columns = {}): string {
  const all: Columns = { version: 'version + 1', updated_at: NOW, ...columns };
  const assignments = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
  return `UPDATE lives SET ${assignments.join(', ')} WHERE id = '${id}'`;
}

export function born(id: string, columns: Columns = {}): string {
  return changed(id, { state_type: "'Alive'", born_at: NOW, ...columns });
}

export function died(id: string, columns: Columns = {}): string {
  return changed(id, { state_type: "'Dead'", died_at: NOW, ...columns });
}

/** The transition of a life as it is now, at the ledger's last position. */
export function recorded(
  id: string,
  event: string,
  from: string | null,
  columns: Columns = {},
): string {
  const all: Columns = {
    life_id: 'id',
    version: 'version',
    event: `'${event}'`,
    from_state_type: from === null ? 'NULL' : `'${from}'`,
    state_type: 'state_type',
    created_at: 'created_at',
    updated_at: 'updated_at',
    born_at: 'born_at',
    died_at: 'died_at',
    occurred_at: 'coalesce(died_at, born_at, created_at)',
    recorded_at: 'updated_at',
    position: '(SELECT position FROM ledger)',
    ...columns,
  };
  return `INSERT INTO life_transitions (${Object.keys(all).join(', ')})
          SELECT ${Object.values(all).join(', ')} FROM lives WHERE id = '${id}'`;
}

// The changes that are legal, where nothing is made wrong: of the life, or of its transition.

export const conception = (id: string, life: Columns = {}, transition: Columns = {}): string[] => [
  ledgerMoves({ Gestating: 1 }),
  conceived(id, life),
  recorded(id, 'Conception', null, transition),
];

export const birth = (id: string, life: Columns = {}, transition: Columns = {}): string[] => [
  ledgerMoves({ Gestating: -1, Alive: 1 }),
  born(id, life),
  recorded(id, 'Birth', 'Gestating', transition),
];

export const death = (id: string, life: Columns = {}, transition: Columns = {}): string[] => [
  ledgerMoves({ Alive: -1, Dead: 1 }),
  died(id, life),
  recorded(id, 'Death', 'Alive', transition),
];

export const deathBeforeBirth = (
  id: string,
  life: Columns = {},
  transition: Columns = {},
): string[] => [
  ledgerMoves({ Gestating: -1, Dead: 1 }),
  died(id, life),
  recorded(id, 'Death', 'Gestating', transition),
];

/** For births that say themselves how the ledger moves. */
export const withoutLedger = ([, ...others]: string[]): string[] => others;

export const LAST_POSITION: Columns = { position: '(SELECT position FROM ledger)' };
export const POSITION_BEFORE: Columns = { position: '(SELECT position - 1 FROM ledger)' };
export const NEXT_POSITION: Columns = { position: '(SELECT position + 1 FROM ledger)' };
