/** Thrown if a machine with this id began before, with other data. Nothing was changed. */
export class BegunOtherwise extends Error {
  override readonly name = 'BegunOtherwise';

  /** @param id that the caller gave */
  constructor(readonly id: string) {
    super(`The machine ${id} began before, with other data.`);
  }
}
