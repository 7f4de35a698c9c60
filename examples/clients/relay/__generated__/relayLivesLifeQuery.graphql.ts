/**
 * @generated SignedSource<<32954b4f38deb74515f1fb15e39227cb>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import { ConcreteRequest } from 'relay-runtime';
export type LifeEvent = "BIRTH" | "CONCEPTION" | "DEATH";
export type relayLivesLifeQuery$variables = {
  id: string;
};
export type relayLivesLifeQuery$data = {
  readonly life: {
    readonly __typename: string;
    readonly bornAt?: string;
    readonly diedAt?: string;
    readonly id: string;
    readonly nextEvents: ReadonlyArray<LifeEvent>;
    readonly version: number;
  } | null | undefined;
};
export type relayLivesLifeQuery = {
  response: relayLivesLifeQuery$data;
  variables: relayLivesLifeQuery$variables;
};

const node: ConcreteRequest = (function(){
var v0 = [
  {
    "defaultValue": null,
    "kind": "LocalArgument",
    "name": "id"
  }
],
v1 = [
  {
    "kind": "Variable",
    "name": "id",
    "variableName": "id"
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
v7 = {
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
    "name": "relayLivesLifeQuery",
    "selections": [
      {
        "alias": null,
        "args": (v1/*:: as any*/),
        "concreteType": null,
        "kind": "LinkedField",
        "name": "life",
        "plural": false,
        "selections": [
          (v2/*:: as any*/),
          (v3/*:: as any*/),
          (v4/*:: as any*/),
          (v5/*:: as any*/),
          (v6/*:: as any*/),
          (v7/*:: as any*/)
        ],
        "storageKey": null
      }
    ],
    "type": "Query",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Operation",
    "name": "relayLivesLifeQuery",
    "selections": [
      {
        "alias": null,
        "args": (v1/*:: as any*/),
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
          (v6/*:: as any*/),
          (v7/*:: as any*/)
        ],
        "storageKey": null
      }
    ]
  },
  "params": {
    "cacheID": "7a8873a507d4c058c3e2cf918971bdef",
    "id": null,
    "metadata": {},
    "name": "relayLivesLifeQuery",
    "operationKind": "query",
    "text": "query relayLivesLifeQuery(\n  $id: ID!\n) {\n  life(id: $id) {\n    __typename\n    __isLife: __typename\n    id\n    version\n    nextEvents\n    ... on Alive {\n      bornAt\n    }\n    ... on Dead {\n      diedAt\n    }\n  }\n}\n"
  }
};
})();

(node as any).hash = "3818cfe25ab059f529b863dd11fb7e37";

export default node;
