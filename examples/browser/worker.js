// Runs the network with ONNX Runtime Web, away from the page, which stays responsive meanwhile.
//
// In:  { picture }, an ImageBitmap, which is handed over and closed here.
// Out: { ready: { name, confidence, backend } } once, or { failed } with a sentence that no picture can mend;
//      then for each picture { faces, milliseconds }, faces best first in pixels of the picture, or { problem }.

import { decode, fill, letterbox, suppress, toPicture } from "./detect.js";

const here = (path) => new URL(path, import.meta.url).href;

// The files of ONNX Runtime Web for each backend. The first is smaller; the second has WebGPU as well.
const RUNTIMES = {
  WebAssembly: { entry: "ort.wasm.min.mjs", binary: "ort-wasm-simd-threaded", provider: "wasm" },
  WebGPU: { entry: "ort.webgpu.min.mjs", binary: "ort-wasm-simd-threaded.asyncify", provider: "webgpu" },
};

const ready = start();
ready.then(
  ({ model, backend }) => postMessage({ ready: { name: model.name, confidence: model.confidence, backend } }),
  (error) => postMessage({ failed: error.message }),
);

addEventListener("message", async ({ data: { picture } }) => {
  try {
    postMessage(await detect(picture));
  } catch (error) {
    postMessage({ problem: `This picture could not be looked at: ${error.message}` });
  } finally {
    picture.close();
  }
});

async function start() {
  const model = await (await load("model.json")).json();
  const weights = new Uint8Array(await (await load(model.file)).arrayBuffer());
  for (const backend of await backends()) {
    try {
      return { model, backend, ...(await open(weights, model, backend)) };
    } catch (error) {
      if (backend === "WebAssembly") throw new Error(`ONNX Runtime does not run the model: ${error.message}`);
    }
  }
}

// Which backends to try, in this order; `?backend=WebAssembly` in the page's address names one.
async function backends() {
  const named = new URLSearchParams(location.search).get("backend");
  if (named in RUNTIMES) return [named, "WebAssembly"];
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  const isSoftware = adapter?.info?.isFallbackAdapter ?? adapter?.isFallbackAdapter;
  return adapter && !isSoftware ? ["WebGPU", "WebAssembly"] : ["WebAssembly"];
}

async function open(weights, model, backend) {
  const { entry, binary, provider } = RUNTIMES[backend];
  const ort = await import(here(`runtime/${entry}`)).catch(() => {
    throw new Error(`expected runtime/${entry} beside the page, served as JavaScript`);
  });
  ort.env.logLevel = "error";
  ort.env.wasm.numThreads = model.threads;
  ort.env.wasm.wasmPaths = { mjs: here(`runtime/${binary}.mjs`), wasm: here(`runtime/${binary}.wasm`) };
  const session = await ort.InferenceSession.create(weights, { executionProviders: [provider] });
  const network = { ort, session };
  if (backend === "WebGPU") {
    // The first run prepares what later ones use, and tells whether this GPU runs the model at all.
    const { width, height } = model.size;
    await run(network, new Float32Array(3 * width * height), model.size);
  }
  return network;
}

async function run({ ort, session }, planes, { width, height }) {
  const input = new ort.Tensor("float32", planes, [1, 3, height, width]);
  const outputs = await session.run({ [session.inputNames[0]]: input });
  const output = outputs[session.outputNames[0]];
  return { values: output.data, shape: output.dims.slice(1) };
}

async function detect(picture) {
  const { model, ...network } = await ready;
  const begin = performance.now();
  const box = letterbox(picture, model.size, model.stride);
  const planes = fill(pixelsOf(picture), box);
  const { values, shape } = await run(network, planes, box.input);
  const faces = toPicture(suppress(decode(values, shape, model)), box);
  return { faces, milliseconds: performance.now() - begin };
}

function pixelsOf(picture) {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  return context.getImageData(0, 0, picture.width, picture.height);
}

async function load(path) {
  const answer = await fetch(here(path));
  if (!answer.ok) {
    throw new Error(`The model is missing: expected ${path} beside the page, the server answered ${answer.status}.`);
  }
  return answer;
}
