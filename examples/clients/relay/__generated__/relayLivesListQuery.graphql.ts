/**
 * @generated SignedSource<<a3bd04a42a30565a65401b0955b35843>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import { ConcreteRequest } from 'relay-runtime';
export type LifeEvent = "BIRTH" | "CONCEPTION" | "DEATH";
export type relayLivesListQuery$variables = Record<PropertyKey, never>;
export type relayLivesListQuery$data = {
  readonly lives: {
    readonly nodes: ReadonlyArray<{
      readonly __typename: string;
      readonly bornAt?: string;
      readonly diedAt?: string;
      readonly id: string;
      readonly nextEvents: ReadonlyArray<LifeEvent>;
      readonly version: number;
    }>;
  };
};
export type relayLivesListQuery = {
  response: relayLivesListQuery$data;
  variables: relayLivesListQuery$variables;
};

const node: ConcreteRequest = (function(){
var v0 = [
  {
    "kind": "Literal",
    "name": "order",
    "value": "NEWEST_FIRST"
  }
],
v1 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "__typename",
  "storageKey": null
},
v2 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "id",
  "storageKey": null
},
v3 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "version",
  "storageKey": null
},
v4 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "nextEvents",
  "storageKey": null
},
v5 = {
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
v6 = {
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
    "argumentDefinitions": [],
    "kind": "Fragment",
    "metadata": null,
    "name": "relayLivesListQuery",
    "selections": [
      {
        "alias": null,
        "args": (v0/*:: as any*/),
        "concreteType": "LifeConnection",
        "kind": "LinkedField",
        "name": "lives",
        "plural": false,
        "selections": [
          {
            "alias": null,
            "args": null,
            "concreteType": null,
            "kind": "LinkedField",
            "name": "nodes",
            "plural": true,
            "selections": [
              (v1/*:: as any*/),
              (v2/*:: as any*/),
              (v3/*:: as any*/),
              (v4/*:: as any*/),
              (v5/*:: as any*/),
              (v6/*:: as any*/)
            ],
            "storageKey": null
          }
        ],
        "storageKey": "lives(order:\"NEWEST_FIRST\")"
      }
    ],
    "type": "Query",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": [],
    "kind": "Operation",
    "name": "relayLivesListQuery",
    "selections": [
      {
        "alias": null,
        "args": (v0/*:: as any*/),
        "concreteType": "LifeConnection",
        "kind": "LinkedField",
        "name": "lives",
        "plural": false,
        "selections": [
          {
            "alias": null,
            "args": null,
            "concreteType": null,
            "kind": "LinkedField",
            "name": "nodes",
            "plural": true,
            "selections": [
              (v1/*:: as any*/),
              {
                "kind": "TypeDiscriminator",
                "abstractKey": "__isLife"
              },
              (v2/*:: as any*/),
              (v3/*:: as any*/),
              (v4/*:: as any*/),
              (v5/*:: as any*/),
              (v6/*:: as any*/)
            ],
            "storageKey": null
          }
        ],
        "storageKey": "lives(order:\"NEWEST_FIRST\")"
      }
    ]
  },
  "params": {
    "cacheID": "955ed6b92e66b53fd8f0c3299e1bc137",
    "id": null,
    "metadata": {},
    "name": "relayLivesListQuery",
    "operationKind": "query",
    "text": "query relayLivesListQuery {\n  lives(order: NEWEST_FIRST) {\n    nodes {\n      __typename\n      __isLife: __typename\n      id\n      version\n      nextEvents\n      ... on Alive {\n        bornAt\n      }\n      ... on Dead {\n        diedAt\n      }\n    }\n  }\n}\n"
  }
};
})();

(node as any).hash = "461ea7d298bd926729f6ac28d5f75596";

export default node;
