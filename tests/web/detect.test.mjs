// Tests of the page's mathematics, for Node's own runner: node --test tests/web

import assert from "node:assert/strict";
import { test } from "node:test";

import { above, decode, fill, letterbox, suppress, toPicture } from "../../examples/browser/detect.js";
import { averages } from "../../examples/browser/drawing.js";

const SQUARE = { width: 640, height: 640 };
const FACE = { classes: 1, values: 3 };

function grey(width, height, ...values) {
  return { width, height, data: Uint8ClampedArray.from(values.flatMap((value) => [value, value, value, 255])) };
}

// 300 boxes about 20 places, from a generator of random numbers with a seed.
function crowd() {
  let seed = 7;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  return Array.from({ length: 300 }, (_, i) => {
    const [x, y, side] = [40 * (i % 20) + 10 * random(), 10 * random(), 20 + 20 * random()];
    return { score: random(), box: [x, y, x + side, y + side], landmarks: [] };
  });
}

test("a wide picture lies in the middle of the height", () => {
  // 1280 x 720 -> 640 x 360; 280 rows are left, 140 above.
  const box = letterbox({ width: 1280, height: 720 }, SQUARE);
  assert.deepEqual([box.inner, box.input, box.left, box.top], [{ width: 640, height: 360 }, SQUARE, 0, 140]);
});

test("an odd row of grey goes below", () => {
  // 200 x 199 -> 640 x 636.8, which is 637; 3 rows are left, round(1.5 - 0.1) = 1 above.
  assert.equal(letterbox({ width: 200, height: 199 }, SQUARE).top, 1);
});

test("the input may be the least rectangle of whole strides", () => {
  // 360 rows need 384 = 12 x 32: 24 of grey, 12 above.
  const box = letterbox({ width: 1280, height: 720 }, SQUARE, 32);
  assert.deepEqual([box.input, box.top], [{ width: 640, height: 384 }, 12]);
});

test("halves are rounded to even sides, and no side to nothing", () => {
  assert.equal(letterbox({ width: 1280, height: 5 }, SQUARE).inner.height, 2); // 2.5
  assert.equal(letterbox({ width: 1280, height: 7 }, SQUARE).inner.height, 4); // 3.5
  assert.equal(letterbox({ width: 1280, height: 1 }, SQUARE).inner.height, 1); // 0.5
});

test("colours between pixel centres are those of the line through them", () => {
  // Four pixels over two: centres at -0.25, 0.25, 0.75, 1.25 of the picture.
  const box = letterbox({ width: 2, height: 1 }, { width: 4, height: 2 });
  const planes = fill(grey(2, 1, 0, 100), box);
  const bytes = Array.from(planes.subarray(0, 4), (value) => Math.round(255 * value));
  assert.deepEqual(bytes, [0, 25, 75, 100]);
});

test("what the picture does not cover is grey", () => {
  const box = letterbox({ width: 2, height: 1 }, { width: 2, height: 3 });
  const planes = fill(grey(2, 1, 255, 255), box);
  const g = Math.fround(114 / 255);
  assert.deepEqual(Array.from(planes.subarray(0, 6)), [g, g, 1, 1, g, g]);
});

test("planes are red, green, blue", () => {
  const picture = { width: 1, height: 1, data: Uint8ClampedArray.from([255, 0, 51, 255]) };
  const planes = fill(picture, letterbox(picture, { width: 1, height: 1 }));
  assert.deepEqual(Array.from(planes), [1, 0, Math.fround(51 / 255)]);
});

test("columns are decoded above the floor", () => {
  // Two columns; the second scores 0.05, which is not above.
  const column = [50, 60, 20, 10, 0.9, ...[1, 2, 3, 4, 5].flatMap((i) => [i, 10 * i, 0.5])];
  const output = Float32Array.from(column.flatMap((value, row) => [value, row === 4 ? 0.05 : value]));
  const faces = decode(output, [20, 2], FACE, Math.fround(0.05));
  assert.equal(faces.length, 1);
  assert.deepEqual(faces[0].box, [40, 55, 60, 65]);
  assert.deepEqual(faces[0].landmarks, [[1, 10], [2, 20], [3, 30], [4, 40], [5, 50]]);
});

test("the best of several classes counts, and landmarks may have no visibility", () => {
  const output = Float32Array.from([50, 60, 20, 10, 0.25, 0.75, ...Array.from({ length: 10 }, (_, i) => i)]);
  const [face] = decode(output, [16, 1], { classes: 2, values: 2 });
  assert.equal(face.score, 0.75);
  assert.deepEqual(face.landmarks[4], [8, 9]);
});

test("rows of a file that suppresses by itself are decoded", () => {
  const row = [1, 2, 3, 4, 0.5, 0, ...[1, 2, 3, 4, 5].flatMap((i) => [i, -i, 1])];
  const faces = decode(Float32Array.from([...row, ...row.map(() => 0)]), [2, 21], FACE);
  assert.deepEqual(faces.map((face) => face.box), [[1, 2, 3, 4]]);
  assert.deepEqual(faces[0].landmarks[2], [3, -3]);
});

test("an output of another kind is refused", () => {
  assert.throws(() => decode(new Float32Array(84), [84, 1], FACE), /expected 20 rows, or 21 columns, got 84 x 1/);
});

test("suppressing once and filtering is the same as suppressing above each threshold", () => {
  const faces = crowd();
  const once = suppress(faces);
  assert.ok(once.length < faces.length / 2);
  for (const threshold of [0.05, 0.2, 0.5, 0.8, 0.95]) {
    assert.deepEqual(above(once, threshold), suppress(above(faces, threshold)));
  }
});

test("the order of what is found does not matter, even among equals", () => {
  const faces = crowd().map((face) => ({ ...face, score: 0.5 }));
  assert.deepEqual(suppress(faces), suppress(faces.toReversed()));
});

test("a box that overlaps by more than the limit goes, and one that overlaps by it stays", () => {
  // 10 x 10 and the same moved by 5: 50 of 150 are shared.
  const faces = [0.9, 0.8].map((score, i) => ({ score, box: [5 * i, 0, 5 * i + 10, 10] }));
  assert.equal(suppress(faces, 1 / 3).length, 2);
  assert.equal(suppress(faces, 0.33).length, 1);
});

test("faces come back to the picture, and stay inside it", () => {
  const box = letterbox({ width: 1280, height: 720 }, SQUARE);
  const [face] = toPicture([{ score: 1, box: [-5, 140, 320, 320], landmarks: [[640, 510]] }], box);
  assert.deepEqual(face.box, [0, 0, 640, 360]);
  assert.deepEqual(face.landmarks, [[1280, 720]]); // (640, 740) is below
});

test("cells have the mean colour of what they cover", () => {
  const few = averages(grey(4, 2, 0, 10, 100, 110, 20, 30, 120, 130), 2);
  assert.deepEqual([few.width, few.height], [2, 1]);
  assert.deepEqual(Array.from(few.data), [15, 15, 15, 255, 115, 115, 115, 255]);
});
