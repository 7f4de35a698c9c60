/** Says why no migration was generated, in a sentence for the developer. */
export class NotGenerated extends Error {
  override readonly name = 'NotGenerated';
}
