// The page: a picture or the webcam in, what the worker finds in it out.
//
// What is going on is in the attributes of <main>: data-state is loading, ready, working, found, live or failed;
// data-faces counts the faces that are shown, data-frames the frames of the webcam that were looked at.

import { openCamera } from "./camera.js";
import { above } from "./detect.js";
import { blurFaces, drawMarks } from "./drawing.js";

const MOST_PIXELS = 2 ** 24; // of a canvas, as some phones have it; larger pictures are reduced
const LINE = 2; // width of lines on the screen [CSS px]
const RECENT = 10; // frames that the time of a frame is the median of

const find = (selector) => document.querySelector(selector);
const [main, stage, frame, prompt] = ["main", ".stage", ".frame", ".prompt"].map(find);
const [picture, marks] = [find("#picture"), find("#marks")];
const [file, cameraButton] = [find("#file"), find("#camera")];
const [confidence, showMarks, blur] = [find("#confidence"), find("#show-marks"), find("#blur")];
const [savePicture, saveFaces] = [find("#save-picture"), find("#save-faces")];

let shown = null; // { bitmap, faces, name }: what is on the page; faces is null until they are known
let camera = null;
let backend = "";
let times = []; // of recent frames [ms]

// The worker answers pictures in their order.
const worker = new Worker(`worker.js${location.search}`, { type: "module" });
const waiting = [];

worker.addEventListener("message", ({ data }) => {
  if (data.ready) {
    backend = data.ready.backend;
    confidence.value = data.ready.confidence;
    if (main.dataset.state === "loading") main.dataset.state = "ready";
    update();
  } else if (data.failed) {
    fail(data.failed);
  } else if (data.problem) {
    waiting.shift().reject(new Error(data.problem));
  } else {
    waiting.shift().resolve(data);
  }
});
worker.addEventListener("error", () => {
  fail("The page is not whole: worker.js or a file that it imports is missing, or is not served as JavaScript.");
});

function fail(sentence) {
  stopCamera();
  main.dataset.state = "failed";
  find("#status").textContent = "";
  complain(sentence);
  for (const control of [file, cameraButton]) control.disabled = true;
}

function complain(sentence) {
  find("#problem").textContent = sentence;
}

// What the worker finds in a bitmap, which is kept.
async function look(bitmap) {
  const copy = await createImageBitmap(bitmap);
  return new Promise((resolve, reject) => {
    waiting.push({ resolve, reject });
    worker.postMessage({ picture: copy }, [copy]);
  });
}

// A picture that was chosen, dropped or pasted.
async function openPicture(blob) {
  if (main.dataset.state === "failed") return;
  const name = blob.name ?? "The pasted file";
  let bitmap;
  try {
    bitmap = await reduced(await createImageBitmap(blob));
  } catch {
    complain(`${name} is not a picture that this browser reads. Choose a JPEG, PNG or WebP file.`);
    return;
  }
  stopCamera();
  complain("");
  times = [];
  show({ bitmap, faces: null, name });
  main.dataset.state = "working";
  try {
    const { faces, milliseconds } = await look(bitmap);
    if (shown.bitmap !== bitmap) return; // another one came meanwhile
    times = [milliseconds];
    main.dataset.state = "found";
    show({ bitmap, faces, name });
  } catch (error) {
    if (shown.bitmap !== bitmap) return;
    main.dataset.state = "ready";
    complain(error.message);
  }
}

async function reduced(bitmap) {
  const factor = Math.sqrt(MOST_PIXELS / (bitmap.width * bitmap.height));
  if (factor >= 1) return bitmap;
  const size = { resizeWidth: Math.floor(bitmap.width * factor), resizeHeight: Math.floor(bitmap.height * factor) };
  return createImageBitmap(bitmap, { ...size, resizeQuality: "high" });
}

// The webcam, until it is stopped; its last frame stays. A frame is shown with its own faces, never before they are known.
async function watch() {
  complain("");
  cameraButton.disabled = true;
  let opened;
  try {
    opened = await openCamera();
  } catch (error) {
    complain(error.message);
    return;
  } finally {
    cameraButton.disabled = main.dataset.state === "failed";
  }
  camera = opened;
  times = [];
  main.dataset.state = "live";
  main.dataset.frames = 0;
  update();
  try {
    for (let bitmap; camera === opened && (bitmap = await opened.frame()); ) {
      const { faces, milliseconds } = await look(bitmap);
      if (camera !== opened) {
        bitmap.close();
        return;
      }
      times = [...times, milliseconds].slice(-RECENT);
      main.dataset.frames++;
      show({ bitmap, faces, name: "webcam" });
    }
    if (camera === opened) complain("The camera has stopped.");
  } catch (error) {
    complain(error.message);
  }
  if (camera === opened) stopCamera();
}

function stopCamera() {
  if (!camera) return;
  camera.stop();
  camera = null;
  main.dataset.state = shown ? "found" : "ready";
  update();
}

function show(next) {
  if (shown && shown.bitmap !== next.bitmap) shown.bitmap.close();
  shown = next;
  const { width, height } = next.bitmap;
  if (picture.width !== width || picture.height !== height) Object.assign(picture, { width, height });
  frame.style.setProperty("--ratio", width / height);
  prompt.hidden = true;
  frame.hidden = false;
  update();
}

const visible = () => above(shown?.faces ?? [], Number(confidence.value));

// Everything on the page that depends on the picture, the slider and the switches.
function update() {
  const faces = visible();
  if (shown) {
    const context = picture.getContext("2d", { willReadFrequently: true });
    context.clearRect(0, 0, picture.width, picture.height);
    context.drawImage(shown.bitmap, 0, 0);
    if (blur.checked) blurFaces(context, faces);
    drawOverlay(faces);
  }
  const isLive = main.dataset.state === "live";
  const isKnown = Boolean(shown?.faces);
  main.dataset.faces = faces.length;
  find("#confidence-value").textContent = Number(confidence.value).toFixed(2);
  picture.ariaLabel = isKnown ? `${isLive ? "Webcam" : "Your picture"} with ${counted(faces.length, "face")}` : "Your picture";
  cameraButton.textContent = isLive ? "Stop the camera" : "Use the camera";
  cameraButton.ariaPressed = isLive;
  savePicture.disabled = saveFaces.disabled = !isKnown;
  const status = find("#status");
  status.ariaLive = isLive ? "off" : "polite"; // else every frame would be read out
  if (main.dataset.state !== "failed") status.textContent = sentence(faces.length, isKnown, isLive);
}

function sentence(count, isKnown, isLive) {
  if (!backend) return "Getting ready.";
  if (!isKnown) return main.dataset.state === "working" ? "Looking." : `Ready, on ${backend}.`;
  const middle = [...times].sort((one, other) => one - other)[times.length >> 1];
  const time = middle === undefined ? "" : ` · ${Math.round(middle)} ms a frame`;
  return `${counted(count, "face")}${time} · ${backend}${isLive ? ` · frame ${main.dataset.frames}` : ""}`;
}

const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

// Marks lie on a canvas of the screen's own pixels, so that they are sharp on a picture of any size.
function drawOverlay(faces) {
  const ratio = devicePixelRatio;
  const width = Math.round(frame.clientWidth * ratio);
  const height = Math.round(frame.clientHeight * ratio);
  Object.assign(marks, { width, height }); // which clears it
  if (showMarks.checked) {
    drawMarks(marks.getContext("2d"), faces, { scale: width / picture.width, unit: LINE * ratio });
  }
}

function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const stem = () => shown.name.replace(/\.[^.]*$/, "");

file.addEventListener("change", () => {
  if (file.files.length) openPicture(file.files[0]);
  file.value = ""; // so that the same file can be chosen again
});
prompt.addEventListener("click", () => file.click());
cameraButton.addEventListener("click", () => (camera ? stopCamera() : watch()));
confidence.addEventListener("input", update);
showMarks.addEventListener("change", update);
blur.addEventListener("change", update);
new ResizeObserver(() => shown && drawOverlay(visible())).observe(frame);

savePicture.addEventListener("click", async () => {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  const unit = Math.max(Math.hypot(canvas.width, canvas.height) / 600, 1);
  if (showMarks.checked) drawMarks(context, visible(), { scale: 1, unit });
  const name = `${stem()}-faces.jpg`;
  download(await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 }), name);
});
saveFaces.addEventListener("click", () => {
  const { width, height } = shown.bitmap;
  const found = { width, height, faces: visible() };
  download(new Blob([JSON.stringify(found, null, 1)], { type: "application/json" }), `${stem()}-faces.json`);
});

addEventListener("dragover", (event) => {
  event.preventDefault();
  stage.classList.add("over");
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) stage.classList.remove("over");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  stage.classList.remove("over");
  const [dropped] = event.dataTransfer.files;
  if (dropped) openPicture(dropped);
  else complain("That was not a file. Save the picture first, then drop the file.");
});
addEventListener("paste", (event) => {
  const [pasted] = event.clipboardData.files;
  if (pasted) openPicture(pasted);
});
