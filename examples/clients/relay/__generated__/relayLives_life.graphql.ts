/**
 * @generated SignedSource<<46c21d719102daf8cfffd15bc8003fbd>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import { ReaderFragment } from 'relay-runtime';
export type LifeEvent = "BIRTH" | "CONCEPTION" | "DEATH";
import { FragmentRefs } from "relay-runtime";
export type relayLives_life$data = {
  readonly __typename: string;
  readonly bornAt?: string;
  readonly diedAt?: string;
  readonly id: string;
  readonly nextEvents: ReadonlyArray<LifeEvent>;
  readonly version: number;
  readonly " $fragmentType": "relayLives_life";
};
export type relayLives_life$key = {
  readonly " $data"?: relayLives_life$data;
  readonly " $fragmentSpreads": FragmentRefs<"relayLives_life">;
};

const node: ReaderFragment = {
  "argumentDefinitions": [],
  "kind": "Fragment",
  "metadata": null,
  "name": "relayLives_life",
  "selections": [
    {
      "alias": null,
      "args": null,
      "kind": "ScalarField",
      "name": "__typename",
      "storageKey": null
    },
    {
      "alias": null,
      "args": null,
      "kind": "ScalarField",
      "name": "id",
      "storageKey": null
    },
    {
      "alias": null,
      "args": null,
      "kind": "ScalarField",
      "name": "version",
      "storageKey": null
    },
    {
      "alias": null,
      "args": null,
      "kind": "ScalarField",
      "name": "nextEvents",
      "storageKey": null
    },
    {
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
    {
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
    }
  ],
  "type": "Life",
  "abstractKey": "__isLife"
};

(node as any).hash = "396a2e7acb91312cd7a5fff6565569b0";

export default node;
