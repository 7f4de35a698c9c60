/**
 * @generated SignedSource<<669f254c87c7aa00f9e234ee9e37a0f0>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import { ConcreteRequest } from 'relay-runtime';
export type LifeEvent = "BIRTH" | "CONCEPTION" | "DEATH";
export type relayLivesTransitionsSubscription$variables = {
  after: string;
};
export type relayLivesTransitionsSubscription$data = {
  readonly transitions: {
    readonly cursor: string;
    readonly event: LifeEvent;
    readonly life: {
      readonly __typename: string;
      readonly bornAt?: string;
      readonly diedAt?: string;
      readonly id: string;
      readonly nextEvents: ReadonlyArray<LifeEvent>;
      readonly version: number;
    };
    readonly lifeId: string;
    readonly version: number;
  };
};
export type relayLivesTransitionsSubscription = {
  response: relayLivesTransitionsSubscription$data;
  variables: relayLivesTransitionsSubscription$variables;
};

const node: ConcreteRequest = (function(){
var v0 = [
  {
    "defaultValue": null,
    "kind": "LocalArgument",
    "name": "after"
  }
],
v1 = [
  {
    "kind": "Variable",
    "name": "after",
    "variableName": "after"
  }
],
v2 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "cursor",
  "storageKey": null
},
v3 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "event",
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
  "name": "lifeId",
  "storageKey": null
},
v6 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "__typename",
  "storageKey": null
},
v7 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "id",
  "storageKey": null
},
v8 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "nextEvents",
  "storageKey": null
},
v9 = {
  "kind": "InlineFragment",
  "selections": [
    {
      "alias": null,
      "args": null,
      "kind": "ScalarField",
      "name": "bornAt",
      "storageKey": null
    }
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
};
return {
  "fragment": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Fragment",
    "metadata": null,
    "name": "relayLivesTransitionsSubscription",
    "selections": [
      {
        "alias": null,
        "args": (v1/*:: as any*/),
        "concreteType": "LifeTransition",
        "kind": "LinkedField",
        "name": "transitions",
        "plural": false,
        "selections": [
          (v2/*:: as any*/),
          (v3/*:: as any*/),
          (v4/*:: as any*/),
          (v5/*:: as any*/),
          {
            "alias": null,
            "args": null,
            "concreteType": null,
            "kind": "LinkedField",
            "name": "life",
            "plural": false,
            "selections": [
              (v6/*:: as any*/),
              (v7/*:: as any*/),
              (v4/*:: as any*/),
              (v8/*:: as any*/),
              (v9/*:: as any*/),
              (v10/*:: as any*/)
            ],
            "storageKey": null
          }
        ],
        "storageKey": null
      }
    ],
    "type": "Subscription",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Operation",
    "name": "relayLivesTransitionsSubscription",
    "selections": [
      {
        "alias": null,
        "args": (v1/*:: as any*/),
        "concreteType": "LifeTransition",
        "kind": "LinkedField",
        "name": "transitions",
        "plural": false,
        "selections": [
          (v2/*:: as any*/),
          (v3/*:: as any*/),
          (v4/*:: as any*/),
          (v5/*:: as any*/),
          {
            "alias": null,
            "args": null,
            "concreteType": null,
            "kind": "LinkedField",
            "name": "life",
            "plural": false,
            "selections": [
              (v6/*:: as any*/),
              {
                "kind": "TypeDiscriminator",
                "abstractKey": "__isLife"
              },
              (v7/*:: as any*/),
              (v4/*:: as any*/),
              (v8/*:: as any*/),
              (v9/*:: as any*/),
              (v10/*:: as any*/)
            ],
            "storageKey": null
          }
        ],
        "storageKey": null
      }
    ]
  },
  "params": {
    "cacheID": "8d8530c6a5e2e8e2fb6ef0d9cb2a9726",
    "id": null,
    "metadata": {},
    "name": "relayLivesTransitionsSubscription",
    "operationKind": "subscription",
    "text": "subscription relayLivesTransitionsSubscription(\n  $after: String!\n) {\n  transitions(after: $after) {\n    cursor\n    event\n    version\n    lifeId\n    life {\n      __typename\n      __isLife: __typename\n      id\n      version\n      nextEvents\n      ... on Alive {\n        bornAt\n      }\n      ... on Dead {\n        diedAt\n      }\n    }\n  }\n}\n"
  }
};
})();

(node as any).hash = "465a0b7c771c16d73b6b627f046c69ab";

export default node;
