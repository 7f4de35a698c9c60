
      export interface PossibleTypesResultData {
        possibleTypes: {
          [key: string]: string[]
        }
      }
      const result: PossibleTypesResultData = {
  "possibleTypes": {
    "BirthResult": [
      "Alive",
      "IdempotencyKeyReused",
      "IllegalTransition",
      "LifeNotFound",
      "OccurredAtOutOfRange"
    ],
    "DeathResult": [
      "Dead",
      "IdempotencyKeyReused",
      "IllegalTransition",
      "LifeNotFound",
      "OccurredAtOutOfRange"
    ],
    "Life": [
      "Alive",
      "Dead",
      "Gestating"
    ],
    "Node": [
      "Alive",
      "Dead",
      "Gestating"
    ],
    "TransitionError": [
      "IdempotencyKeyReused",
      "IllegalTransition",
      "LifeNotFound",
      "OccurredAtOutOfRange"
    ]
  }
};
      export default result;
    