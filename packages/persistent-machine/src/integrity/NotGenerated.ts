/** Why no migration was generated, in a sentence for a person. */
export class NotGenerated extends Error {
  override readonly name = 'NotGenerated';
}
