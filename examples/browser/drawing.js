// Faces on canvases: boxes and landmarks, and faces blurred beyond recognition.

const INK = "#ffd84d";
const HALO = "rgb(0 0 0 / 0.55)";
const GROWN = 1.3; // times that the hidden ellipse is larger than the box, as `ultra-face blur` has it
const CELLS = 6; // colours along the longer side that are left of a hidden face, whatever its size

// Draw boxes, landmarks and scores. `unit` is the width of a line in pixels of the canvas, `scale` goes from pixels of the
// picture to those of the canvas.
export function drawMarks(context, faces, { scale, unit }) {
  context.lineJoin = "round";
  context.font = `600 ${6 * unit}px system-ui, sans-serif`;
  for (const { score, box, landmarks } of faces.toReversed()) {
    const [left, top, right, bottom] = box.map((value) => value * scale);
    const side = Math.max(right - left, bottom - top);
    const line = Math.min(unit, Math.max(unit / 2, side / 40));
    context.beginPath();
    context.roundRect(left, top, right - left, bottom - top, Math.min(side / 12, 4 * unit));
    stroke(context, line);
    for (const [x, y] of landmarks) {
      dot(context, x * scale, y * scale, Math.min(1.6 * unit, Math.max(unit / 2, side / 36)), line);
    }
    if (side > 24 * unit) label(context, score.toFixed(2), left, top, unit);
  }
}

// Blur faces in place. Nothing outside the ellipses about them changes.
export function blurFaces(context, faces) {
  for (const { box } of faces) {
    const [x, y] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
    const [radiusX, radiusY] = [(GROWN * (box[2] - box[0])) / 2, (GROWN * (box[3] - box[1])) / 2];
    const left = Math.max(Math.floor(x - radiusX), 0);
    const top = Math.max(Math.floor(y - radiusY), 0);
    const width = Math.min(Math.ceil(x + radiusX), context.canvas.width) - left;
    const height = Math.min(Math.ceil(y + radiusY), context.canvas.height) - top;
    if (width < 1 || height < 1) continue;
    const few = averages(context.getImageData(left, top, width, height), CELLS);
    const small = new OffscreenCanvas(few.width, few.height);
    small.getContext("2d").putImageData(new ImageData(few.data, few.width, few.height), 0, 0);
    context.save();
    context.beginPath();
    context.ellipse(x, y, Math.max(radiusX, 0.75), Math.max(radiusY, 0.75), 0, 0, 2 * Math.PI);
    context.clip();
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(small, left, top, width, height);
    context.restore();
  }
}

// The mean colours of a picture `{ width, height, data }` in cells, `cells` along its longer side; a picture itself.
export function averages(picture, cells) {
  const side = Math.max(picture.width, picture.height) / cells;
  const width = Math.min(Math.max(Math.round(picture.width / side), 1), picture.width);
  const height = Math.min(Math.max(Math.round(picture.height / side), 1), picture.height);
  const sums = new Float64Array(4 * width * height);
  const counts = new Uint32Array(width * height);
  for (let y = 0; y < picture.height; y++) {
    const row = Math.floor((y * height) / picture.height) * width;
    for (let x = 0; x < picture.width; x++) {
      const cell = row + Math.floor((x * width) / picture.width);
      const pixel = 4 * (y * picture.width + x);
      for (let channel = 0; channel < 4; channel++) sums[4 * cell + channel] += picture.data[pixel + channel];
      counts[cell]++;
    }
  }
  const data = Uint8ClampedArray.from(sums, (sum, i) => sum / counts[i >> 2]);
  return { width, height, data };
}

function stroke(context, line) {
  context.lineWidth = 2 * line;
  context.strokeStyle = HALO;
  context.stroke();
  context.lineWidth = line;
  context.strokeStyle = INK;
  context.stroke();
}

function dot(context, x, y, radius, line) {
  context.beginPath();
  context.arc(x, y, radius + line / 2, 0, 2 * Math.PI);
  context.fillStyle = HALO;
  context.fill();
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = INK;
  context.fill();
}

// A score above the upper left corner of a box, or inside it at the edge of the canvas.
function label(context, text, left, top, unit) {
  const width = context.measureText(text).width + 4 * unit;
  const height = 9 * unit;
  const y = top < height + 2 * unit ? top + 2 * unit : top - height - 2 * unit;
  const x = Math.min(Math.max(left, 0), context.canvas.width - width);
  context.beginPath();
  context.roundRect(x, y, width, height, 3 * unit);
  context.fillStyle = HALO;
  context.fill();
  context.fillStyle = INK;
  context.textBaseline = "middle";
  context.fillText(text, x + 2 * unit, y + height / 2 + unit / 4);
}
