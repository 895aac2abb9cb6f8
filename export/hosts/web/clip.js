/** A clip as frames: the browser's own player is led from frame to frame, so that none is lost and each has its time. */
import { drawer } from "./drawing.js";
import { Problem } from "./problem.js";

/** Seconds; two frames of a clip are never closer. */
const INSTANT = 0.001;
/** Milliseconds to wait for a picture: beyond the end none comes, nor does one in every browser. */
const PICTURE_PATIENCE = 300;
const CLIP_HELP = "MP4 with H.264 and WebM usually work, and ffmpeg makes them of anything";

/** See frames.js; `decode` takes what lies between `from` and `from + seconds`. */
export async function openClip(file) {
  if (!("VideoFrame" in window)) throw new Problem("This browser cannot take clips apart; choose two pictures instead");
  const video = document.createElement("video");
  Object.assign(video, { muted: true, playsInline: true, preload: "auto", src: URL.createObjectURL(file) });
  const close = () => {
    URL.revokeObjectURL(video.src);
    video.removeAttribute("src");
    video.load();
  };
  try {
    await event(video, "loadeddata");
  } catch {
    close();
    const isClip = file.type.startsWith("video/");
    const kind = isClip ? "is a clip that this browser cannot play" : "is neither a picture nor a clip";
    throw new Problem(`${file.name} ${kind}. ${CLIP_HELP}`);
  }
  let seconds;
  try {
    if (!video.videoWidth) throw new Problem(`${file.name} has no picture, only sound`);
    seconds = await lengthOf(video);
  } catch (error) {
    close();
    throw error;
  }
  let last = Promise.resolve();
  return {
    width: video.videoWidth,
    height: video.videoHeight,
    seconds,
    close,
    decode(...wanted) {
      const frames = last.then(() => takeApart(video, ...wanted)); // there is one player: the one before must be done
      last = frames.catch(() => {});
      return frames;
    },
  };
}

/** Seconds; recordings of browsers do not say how long they are before their end was seen. */
async function lengthOf(video) {
  if (Number.isFinite(video.duration)) return video.duration;
  await seek(video, 1e9);
  return video.currentTime;
}

async function takeApart(video, { width, height, from, seconds, most }, report, signal) {
  const draw = drawer(width, height);
  const frames = [];
  const times = [];
  for await (const time of frameTimes(video, from, signal)) {
    if (frames.length && (time > from + seconds - INSTANT || frames.length === most)) break;
    frames.push(draw(video));
    times.push(time);
    report(Math.min(1, (time - from) / seconds));
  }
  if (frames.length < 2) throw new Problem("This part of the clip has one frame only; choose a longer part");
  return { frames, times };
}

/**
 * The time of the frame shown at `from` and of all after it, the video standing on each: by seeking, no frame is lost.
 *
 * A jump by the last gap lands on the next frame where the rate is constant. Where it landed further away than that, a
 * look just before finds what lies between.
 */
async function* frameTimes(video, from, signal) {
  let [time, gap] = [await seek(video, from, signal), INSTANT];
  while (true) {
    yield time;
    let [next, jump] = [time, gap];
    for (let to = time + jump; next <= time; to += jump, jump *= 1.5) {
      if (to - jump > video.duration) return;
      next = await seek(video, to + INSTANT / 2, signal);
    }
    let there = next;
    while (there > time && next - time > 1.2 * gap) {
      next = there;
      there = await seek(video, next - INSTANT, signal);
    }
    if (there !== next) await seek(video, next + INSTANT / 2, signal);
    gap = next - time;
    time = next;
  }
}

/** Goes to `seconds`; the time of the frame that is shown there. */
async function seek(video, seconds, signal) {
  signal?.throwIfAborted();
  const arrived = event(video, "seeked");
  const shown = nextPicture(video);
  video.currentTime = seconds;
  await arrived;
  await shown;
  const frame = new VideoFrame(video);
  const time = frame.timestamp / 1e6;
  frame.close();
  return time;
}

/** The next picture that is really shown: at `seeked` it is, now and then, still the one before or already the next. */
function nextPicture(video) {
  return new Promise((resolve) => {
    video.requestVideoFrameCallback?.(resolve);
    video.addEventListener("seeked", () => setTimeout(resolve, PICTURE_PATIENCE), { once: true });
  });
}

function event(video, name) {
  return new Promise((resolve, reject) => {
    const settled = new AbortController();
    const on = (type, then) =>
      video.addEventListener(type, () => (settled.abort(), then()), { signal: settled.signal });
    on(name, resolve);
    on("error", () => reject(new Problem(`The clip cannot be read any further: ${video.error?.message ?? "damaged"}`)));
  });
}
