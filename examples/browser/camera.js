// The webcam: frames on demand, and a sentence where there are none.

const REASONS = {
  NotAllowedError: "The camera may not be used here. Allow it in the browser's settings for this page.",
  NotFoundError: "No camera was found. Connect one, or choose a picture.",
  NotReadableError: "The camera does not answer. Another program may be using it.",
};

// Opens the camera that looks at the user, where there are several. Throws an Error whose message is a sentence.
// Returns { frame, stop }: the next frame as an ImageBitmap, or null once the camera has stopped or was unplugged.
export async function openCamera() {
  if (!navigator.mediaDevices) {
    throw new Error("Browsers give the camera only to pages from localhost or over https.");
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user", width: { ideal: 1280 } } });
  } catch (error) {
    throw new Error(REASONS[error.name] ?? `The camera does not start: ${error.message}`);
  }
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  video.srcObject = stream;
  await video.play();
  const [track] = stream.getVideoTracks();
  const isOver = () => track.readyState === "ended";
  return {
    async frame() {
      if (document.hidden) await new Promise((seen) => addEventListener("visibilitychange", seen, { once: true }));
      return isOver() ? null : createImageBitmap(video);
    },
    stop() {
      track.stop();
      video.srcObject = null;
    },
  };
}
