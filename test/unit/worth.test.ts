// Where a suggestion is cut, against trying every place.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worth } from '../../src/completion/worth';
import { seededRandom } from '../../src/engine/random';

test('the best place of a finished text is found, and the length never shrinks while it grows', () => {
  const random = seededRandom(5);
  for (let round = 0; round < 200; round++) {
    const worth = new Worth();
    const places: { length: number; probability: number }[] = [];
    let length = 0;
    let probability = 1;
    let shown = 0;
    for (let i = 0; i < 12; i++) {
      length += Math.floor(random() * 6);
      probability *= 0.3 + 0.7 * random();
      places.push({ length, probability });
      worth.weigh(length, probability);
      assert.ok(worth.length >= shown);
      shown = worth.length;
    }
    const saved = (place: { length: number; probability: number }): number => place.probability * (place.length - 1);
    const best = Math.max(0, ...places.map(saved));
    const expected = best > 0 ? places.find((place) => saved(place) === best)!.length : 0;
    assert.equal(worth.length, expected);
  }
});

test('a single character is not worth the key that accepts it', () => {
  const worth = new Worth();
  worth.weigh(1, 1);
  assert.equal(worth.length, 0);
  worth.weigh(2, 0.5);
  assert.equal(worth.length, 2);
});
