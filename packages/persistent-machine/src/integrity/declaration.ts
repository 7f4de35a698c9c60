/** What this floor reads of a machine. */
export interface Column {
  readonly kind: 'text' | 'int' | 'moment' | 'flag';
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: RegExp;
  readonly says?: string;
}
export type Columns = Readonly<Record<string, Column>>;

export interface AnyMachine {
  readonly name: string;
  readonly plural: string;
  readonly bare: boolean;
  readonly declaration: {
    readonly columns: Columns;
    readonly initial: { readonly event: string; readonly to: string };
    readonly events: Readonly<
      Record<
        string,
        {
          readonly at: string;
          readonly data?: Columns;
          readonly sets?: readonly string[];
          readonly verb?: string;
          readonly says?: string;
        }
      >
    >;
    readonly states: Readonly<
      Record<
        string,
        {
          readonly says?: string;
          readonly has?: readonly string[];
          readonly may?: readonly string[];
          readonly accepts?: Readonly<Record<string, string | readonly string[]>>;
        }
      >
    >;
  };
}
export interface MachineRecord {
  readonly id: string;
  readonly version: number;
  readonly stateType: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
export type ValueOf<C extends Column> = {
  text: string;
  int: number;
  moment: Date;
  flag: boolean;
}[C['kind']];
