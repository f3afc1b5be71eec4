// From a picture's pixels to the network's input, and from its raw output to faces: letterbox, decoding, suppression.
//
// Pure functions on plain arrays, the same as `ultra_face.detection` in Python; they run in any browser, worker or Node.
// A picture is `{ width, height, data }` with RGBA bytes, as `ImageData` is. A face is `{ score, box, landmarks }`: score
// in 0..1, box `[x1, y1, x2, y2]`, landmarks five `[x, y]`: eye, eye, nose, mouth corner, mouth corner.

export const GREY = 114; // around the picture, as in training
export const FLOOR = 0.05; // lowest score that is decoded; suppression is done once, there, and the slider filters
export const IOU = 0.5; // intersection over union above which two boxes are one face
const NUM_LANDMARKS = 5;

// Where a picture lies in the network's input: scaled to fit, in the middle of grey. All sizes are { width, height } [px].
//   size    what it shall fit into
//   stride  the input is the least rectangle of multiples of this around the scaled picture; null takes all of `size`
export function letterbox(picture, size, stride = null) {
  const ratio = Math.min(size.height / picture.height, size.width / picture.width);
  const inner = {
    width: Math.max(roundHalfEven(picture.width * ratio), 1),
    height: Math.max(roundHalfEven(picture.height * ratio), 1),
  };
  let greyWidth = size.width - inner.width;
  let greyHeight = size.height - inner.height;
  if (stride !== null) {
    greyWidth %= stride;
    greyHeight %= stride;
  }
  return {
    picture: { width: picture.width, height: picture.height },
    inner,
    input: { width: inner.width + greyWidth, height: inner.height + greyHeight },
    // Whole pixels; an odd one goes below and to the right.
    left: roundHalfEven(greyWidth / 2 - 0.1),
    top: roundHalfEven(greyHeight / 2 - 0.1),
  };
}

// The network's input, Float32Array of 3 planes R, G, B in 0..1, each `box.input` large.
export function fill(picture, box) {
  const { input, inner, left, top } = box;
  const plane = input.width * input.height;
  const planes = new Float32Array(3 * plane).fill(GREY / 255);
  const columns = taps(inner.width, picture.width);
  const rows = taps(inner.height, picture.height);
  const { data } = picture;
  for (let y = 0; y < inner.height; y++) {
    const upper = rows.first[y] * picture.width;
    const lower = rows.second[y] * picture.width;
    const down = rows.weight[y];
    let target = (top + y) * input.width + left;
    for (let x = 0; x < inner.width; x++, target++) {
      const across = columns.weight[x];
      const a = 4 * (upper + columns.first[x]);
      const b = 4 * (upper + columns.second[x]);
      const c = 4 * (lower + columns.first[x]);
      const d = 4 * (lower + columns.second[x]);
      for (let channel = 0; channel < 3; channel++) {
        const above = data[a + channel] + across * (data[b + channel] - data[a + channel]);
        const below = data[c + channel] + across * (data[d + channel] - data[c + channel]);
        planes[channel * plane + target] = Math.floor(above + down * (below - above) + 0.5) / 255; // bytes, as OpenCV
      }
    }
  }
  return planes;
}

// The faces in a network's output that score above `floor`, in pixels of the input, not suppressed.
//   output  values of one picture, Float32Array
//   shape   [rows, columns]: (4 + classes + 5 x values, N), or (N, 6 + 5 x values) of a file that suppresses by itself
//   kind    { classes, values }: rows of scores; values of each landmark, 2 for x and y or 3 with visibility
export function decode(output, shape, kind, floor = FLOOR) {
  const [rows, columns] = shape;
  const first = 4 + kind.classes;
  const faces = [];
  if (rows === first + NUM_LANDMARKS * kind.values) {
    const at = (row, column) => output[row * columns + column];
    for (let column = 0; column < columns; column++) {
      let score = at(4, column);
      for (let row = 5; row < first; row++) score = Math.max(score, at(row, column));
      if (!(score > floor)) continue;
      const [x, y, halfWidth, halfHeight] = [at(0, column), at(1, column), at(2, column) / 2, at(3, column) / 2];
      faces.push({
        score,
        box: [x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight],
        landmarks: points((value) => at(first + value, column), kind.values),
      });
    }
  } else if (columns === 6 + NUM_LANDMARKS * kind.values) {
    for (let row = 0; row < rows; row++) {
      const at = (column) => output[row * columns + column];
      if (!(at(4) > floor)) continue;
      faces.push({
        score: at(4),
        box: [at(0), at(1), at(2), at(3)],
        landmarks: points((value) => at(6 + value), kind.values),
      });
    }
  } else {
    throw new Error(
      `the network's output: expected ${first + NUM_LANDMARKS * kind.values} rows, or ` +
        `${6 + NUM_LANDMARKS * kind.values} columns, got ${rows} x ${columns}; export the model again`,
    );
  }
  return faces;
}

// Greedy suppression: of faces that overlap by more than `iou` the best stays. Returns those that stay, best first.
// Whoever goes is covered by a better face, so that filtering what stays by score gives what suppression above it would.
export function suppress(faces, iou = IOU) {
  const waiting = [...faces].sort(bestFirst);
  const kept = [];
  for (const face of waiting) {
    if (kept.every((better) => !overlaps(better.box, face.box, iou))) kept.push(face);
  }
  return kept;
}

// The same faces in pixels of the picture, with every corner and landmark inside it.
export function toPicture(faces, box) {
  const { picture, inner, left, top } = box;
  const x = (value) => clamp(((value - left) * picture.width) / inner.width, picture.width);
  const y = (value) => clamp(((value - top) * picture.height) / inner.height, picture.height);
  return faces.map(({ score, box: [x1, y1, x2, y2], landmarks }) => ({
    score,
    box: [x(x1), y(y1), x(x2), y(y2)],
    landmarks: landmarks.map(([px, py]) => [x(px), y(py)]),
  }));
}

// The faces that score above a threshold.
export function above(faces, threshold) {
  return faces.filter((face) => face.score > threshold);
}

// Python's round(): halves go to the even number.
function roundHalfEven(value) {
  const down = Math.floor(value);
  const rest = value - down;
  if (rest !== 0.5) return rest < 0.5 ? down : down + 1;
  return down % 2 === 0 ? down : down + 1;
}

// For each of `to` pixels, the two of `from` that it lies between and the weight of the second; pixel centres match.
function taps(to, from) {
  const first = new Int32Array(to);
  const second = new Int32Array(to);
  const weight = new Float64Array(to);
  for (let i = 0; i < to; i++) {
    const place = clamp(((i + 0.5) * from) / to - 0.5, from - 1);
    first[i] = Math.floor(place);
    second[i] = Math.min(first[i] + 1, from - 1);
    weight[i] = place - first[i];
  }
  return { first, second, weight };
}

function points(at, values) {
  return Array.from({ length: NUM_LANDMARKS }, (_, i) => [at(i * values), at(i * values + 1)]);
}

// By falling score; the place decides between equals, so that the order of the output does not matter.
function bestFirst(one, other) {
  if (one.score !== other.score) return other.score - one.score;
  for (const corner of [3, 2, 1, 0]) {
    if (one.box[corner] !== other.box[corner]) return one.box[corner] - other.box[corner];
  }
  return 0;
}

function overlaps(one, other, iou) {
  const width = Math.min(one[2], other[2]) - Math.max(one[0], other[0]);
  const height = Math.min(one[3], other[3]) - Math.max(one[1], other[1]);
  if (width <= 0 || height <= 0) return false;
  const shared = width * height;
  return shared > iou * (area(one) + area(other) - shared);
}

function area([x1, y1, x2, y2]) {
  return Math.max(x2 - x1, 0) * Math.max(y2 - y1, 0);
}

function clamp(value, last) {
  return Math.min(Math.max(value, 0), last);
}
