/** Thrown where a machine is to begin that has begun with other data before. Nothing was changed. */
export class BegunOtherwise extends Error {
  override readonly name = 'BegunOtherwise';

  /** @param id of the machine, which the caller gave */
  constructor(readonly id: string) {
    super(`${id} has begun with other data.`);
  }
}
