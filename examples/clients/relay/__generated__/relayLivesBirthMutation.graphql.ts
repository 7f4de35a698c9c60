/**
 * @generated SignedSource<<8f828908a36fd46b49e44358eff6b87c>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import { ConcreteRequest } from 'relay-runtime';
export type LifeEvent = "BIRTH" | "CONCEPTION" | "DEATH";
export type relayLivesBirthMutation$variables = {
  id: string;
  idempotencyKey: string;
};
export type relayLivesBirthMutation$data = {
  readonly birth: {
    readonly __typename: string;
    readonly bornAt?: string;
    readonly id?: string;
    readonly life?: {
      readonly __typename: string;
      readonly bornAt?: string;
      readonly diedAt?: string;
      readonly id: string;
      readonly nextEvents: ReadonlyArray<LifeEvent>;
      readonly version: number;
    };
    readonly message?: string;
    readonly nextEvents?: ReadonlyArray<LifeEvent>;
    readonly version?: number;
  } | null | undefined;
};
export type relayLivesBirthMutation = {
  response: relayLivesBirthMutation$data;
  variables: relayLivesBirthMutation$variables;
};

const node: ConcreteRequest = (function(){
var v0 = [
  {
    "defaultValue": null,
    "kind": "LocalArgument",
    "name": "id"
  },
  {
    "defaultValue": null,
    "kind": "LocalArgument",
    "name": "idempotencyKey"
  }
],
v1 = [
  {
    "kind": "Variable",
    "name": "id",
    "variableName": "id"
  },
  {
    "kind": "Variable",
    "name": "idempotencyKey",
    "variableName": "idempotencyKey"
  }
],
v2 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "__typename",
  "storageKey": null
},
v3 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "id",
  "storageKey": null
},
v4 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "version",
  "storageKey": null
},
v5 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "nextEvents",
  "storageKey": null
},
v6 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "bornAt",
  "storageKey": null
},
v7 = {
  "kind": "InlineFragment",
  "selections": [
    (v3/*:: as any*/),
    (v4/*:: as any*/),
    (v5/*:: as any*/),
    (v6/*:: as any*/)
  ],
  "type": "Alive",
  "abstractKey": null
},
v8 = {
  "kind": "InlineFragment",
  "selections": [
    {
      "alias": null,
      "args": null,
      "kind": "ScalarField",
      "name": "message",
      "storageKey": null
    }
  ],
  "type": "TransitionError",
  "abstractKey": "__isTransitionError"
},
v9 = {
  "kind": "InlineFragment",
  "selections": [
    (v6/*:: as any*/)
  ],
  "type": "Alive",
  "abstractKey": null
},
v10 = {
  "kind": "InlineFragment",
  "selections": [
    {
      "alias": null,
      "args": null,
      "kind": "ScalarField",
      "name": "diedAt",
      "storageKey": null
    }
  ],
  "type": "Dead",
  "abstractKey": null
},
v11 = [
  (v3/*:: as any*/)
];
return {
  "fragment": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Fragment",
    "metadata": null,
    "name": "relayLivesBirthMutation",
    "selections": [
      {
        "alias": null,
        "args": (v1/*:: as any*/),
        "concreteType": null,
        "kind": "LinkedField",
        "name": "birth",
        "plural": false,
        "selections": [
          (v2/*:: as any*/),
          (v7/*:: as any*/),
          (v8/*:: as any*/),
          {
            "kind": "InlineFragment",
            "selections": [
              {
                "alias": null,
                "args": null,
                "concreteType": null,
                "kind": "LinkedField",
                "name": "life",
                "plural": false,
                "selections": [
                  (v2/*:: as any*/),
                  (v3/*:: as any*/),
                  (v4/*:: as any*/),
                  (v5/*:: as any*/),
                  (v9/*:: as any*/),
                  (v10/*:: as any*/)
                ],
                "storageKey": null
              }
            ],
            "type": "IllegalTransition",
            "abstractKey": null
          }
        ],
        "storageKey": null
      }
    ],
    "type": "Mutation",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Operation",
    "name": "relayLivesBirthMutation",
    "selections": [
      {
        "alias": null,
        "args": (v1/*:: as any*/),
        "concreteType": null,
        "kind": "LinkedField",
        "name": "birth",
        "plural": false,
        "selections": [
          (v2/*:: as any*/),
          (v7/*:: as any*/),
          (v8/*:: as any*/),
          {
            "kind": "InlineFragment",
            "selections": [
              {
                "alias": null,
                "args": null,
                "concreteType": null,
                "kind": "LinkedField",
                "name": "life",
                "plural": false,
                "selections": [
                  (v2/*:: as any*/),
                  {
                    "kind": "TypeDiscriminator",
                    "abstractKey": "__isLife"
                  },
                  (v3/*:: as any*/),
                  (v4/*:: as any*/),
                  (v5/*:: as any*/),
                  (v9/*:: as any*/),
                  (v10/*:: as any*/)
                ],
                "storageKey": null
              }
            ],
            "type": "IllegalTransition",
            "abstractKey": null
          },
          {
            "kind": "InlineFragment",
            "selections": (v11/*:: as any*/),
            "type": "Node",
            "abstractKey": "__isNode"
          },
          {
            "kind": "InlineFragment",
            "selections": (v11/*:: as any*/),
            "type": "LifeNotFound",
            "abstractKey": null
          }
        ],
        "storageKey": null
      }
    ]
  },
  "params": {
    "cacheID": "ee8bb60326065729ede5c195a6170d6e",
    "id": null,
    "metadata": {},
    "name": "relayLivesBirthMutation",
    "operationKind": "mutation",
    "text": "mutation relayLivesBirthMutation(\n  $id: ID!\n  $idempotencyKey: String!\n) {\n  birth(id: $id, idempotencyKey: $idempotencyKey) {\n    __typename\n    ... on Alive {\n      id\n      version\n      nextEvents\n      bornAt\n    }\n    ... on TransitionError {\n      __isTransitionError: __typename\n      message\n    }\n    ... on IllegalTransition {\n      life {\n        __typename\n        __isLife: __typename\n        id\n        version\n        nextEvents\n        ... on Alive {\n          bornAt\n        }\n        ... on Dead {\n          diedAt\n        }\n      }\n    }\n    ... on Node {\n      __isNode: __typename\n      id\n    }\n    ... on LifeNotFound {\n      id\n    }\n  }\n}\n"
  }
};
})();

(node as any).hash = "748d8e4ac23c660d3aa5d5e70f4e03c4";

export default node;
